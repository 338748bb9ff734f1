"""How long agd waits for some models: what stands in ``[upstream.limits]``."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from agd.settings.kinds import Seconds
from agd.settings.structure import setting


def patience(words: str) -> Any:
    """Make the field of a limit, which need not be given."""
    return field(default=None, metadata=setting(Seconds(), words))


@frozen
class Patience:
    """How long agd waits for some models; what is not given is as it is for all models."""

    connect_seconds: float | None = patience(
        "How long a connection may take to come about, its proxy and TLS included."
    )
    first_byte_seconds: float | None = patience("How long the head of an answer may take, the connection included.")
    first_event_seconds: float | None = patience("How long the first event of an answer may take.")
    idle_seconds: float | None = patience("How long an answer that has begun may fall silent.")
    total_seconds: float | None = patience("How long an answer may take in all.")
