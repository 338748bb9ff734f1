"""What became of one request, and who is told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from attrs import define, field

from agd.accounts.account import Account
from agd.accounts.verdict import Verdict
from agd.conversation import Notice, Prompt
from agd.conversation.names import named_notice
from agd.errors import UpstreamFailure

LOCAL = "local"
"""Owner of what is remembered for clients that need no key."""


@define
class Trail:
    """What became of one request: the web shows it in headers, telemetry in the log.

    ``owner`` is whose request it is: nothing that is remembered for one owner is ever given to another.
    """

    request_id: str
    wanted: str = ""
    model: str = ""
    account: Account | None = None
    attempts: int = 0
    failures: list[str] = field(factory=list)
    notices: tuple[Notice, ...] = ()
    owner: str = LOCAL

    def note(self, notices: Iterable[Notice]) -> None:
        """Add notices, each once however often it is told."""
        self.notices = tuple(dict.fromkeys((*self.notices, *notices)))


def tell(trail: Trail, prompt: Prompt, notice: Notice) -> None:
    """Note what became of a prompt, under the client's own name of the field."""
    trail.note([named_notice(prompt, notice)])


class Observer(Protocol):
    """Told of what happens to requests and accounts."""

    def failed(self, trail: Trail, account: Account, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An attempt failed and was judged so."""

    def punished(self, account: Account, model: str, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An account rests, is blocked for a model, or is disabled."""
