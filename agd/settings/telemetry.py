"""The tables ``[log]`` and ``[metrics]``: how agd tells what it does."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from agd.settings.kinds import Boolean, Choice, Text
from agd.settings.structure import setting


@frozen
class LogTable:
    """How the log is written."""

    format: Literal["text", "json"] = field(
        default="text",
        metadata=setting(
            Choice(("text", "json")),
            "How the line about each request is written: for people, or as a JSON object for programs.",
        ),
    )


@frozen
class MetricsTable:
    """Who may read the metrics, beside the operator at the admin socket."""

    listen: str | None = field(
        default=None,
        metadata=setting(
            Text(),
            "A Twisted server endpoint, such as tcp:9145:interface=127.0.0.1, for /metrics and /readyz; neither asks "
            "for a key, so only operators should be able to reach it. Changes at a restart only.",
        ),
    )
    public: bool = field(
        default=False,
        metadata=setting(Boolean(), "Whether /metrics is served on the clients' port too, to whoever has a key."),
    )
