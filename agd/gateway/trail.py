"""What became of one request, and who is told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from attrs import define, field

from agd.accounts.account import Account
from agd.accounts.verdict import Verdict
from agd.errors import BadRequest, UpstreamFailure

if TYPE_CHECKING:
    from agd.conversation import Notice, Usage
    from agd.gateway.passage import Passage

LOCAL = "local"
"""Owner of what is remembered for clients that need no key."""


@define
class Attempt:
    """One turn of an account: why it was that one, what came of it, and what it took, in seconds.

    ``began`` is of the reactor's clock. ``queue``: waiting for an account; ``pick``: choosing it; ``connect``: until
    the connection was there, 0 for one that was kept, None: there was none; ``head``: until the upstream's status line,
    None: it never came; ``first``: until the first event, or the end of a plain answer; ``total``: until the account
    was given back, None: it is still at work. All but ``queue``, ``pick`` and ``connect`` count from ``began``.
    ``usage`` is what the upstream counted, as far as it told. ``verdict`` is empty while nothing is decided,
    ``served``, ``left`` when the client did not wait, or the cause of the failure (``agd.errors.Cause``).
    """

    account: Account
    why: str
    began: float
    queue: float = 0.0
    pick: float = 0.0
    connect: float | None = None
    head: float | None = None
    first: float | None = None
    total: float | None = None
    verdict: str = ""
    failure: str = ""
    is_trial: bool = False
    usage: Usage | None = None

    def connected(self, seconds: float) -> None:
        """Note how long the connection took."""
        self.connect = seconds

    def answered(self, now: float) -> None:
        """Note when the upstream's status had come, by the reactor's clock."""
        self.head = now - self.began

    def count(self, usage: Usage | None) -> None:
        """Add what an answer took: an account may be asked twice in one turn."""
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage + usage


@define
class Trail:
    """What became of one request: the web shows it in headers, telemetry in the log.

    ``owner`` is whose request it is, empty for whoever has no valid key: nothing that is remembered for one owner is
    ever given to another. ``said`` is what the request's head says of its conversation, ``session`` the conversation it
    belongs to, as ``accounts.session`` tells. ``attempts`` counts the accounts that were asked, ``tries`` tells of
    each; ``queue`` are the seconds that were spent waiting for accounts, also for one that never came, but not on
    choosing them. ``is_counted``: its key's limits have let it in; ``standing`` is how its owner then stood, as headers
    tell it; ``passage`` is there between a reservation and the question that it is for. ``began``: when it came, by the
    reactor's clock; ``translate``: seconds spent on writing it for the upstream; ``streams``: its answer does;
    ``broke``: the status of the error that ended the stream, which had begun with another.
    """

    request_id: str
    wanted: str = ""
    model: str = ""
    account: Account | None = None
    attempts: int = 0
    failures: list[str] = field(factory=list)
    notices: tuple[Notice, ...] = ()
    owner: str = LOCAL
    said: str | None = None
    session: str = ""
    tries: list[Attempt] = field(factory=list)
    queue: float = 0.0
    is_counted: bool = False
    standing: tuple[tuple[str, str], ...] = ()
    passage: Passage | None = None
    began: float | None = None
    translate: float = 0.0
    streams: bool = False
    broke: int | None = None

    @property
    def first(self) -> float | None:
        """Seconds until the first event, or the end of a plain answer; None: there was none."""
        firsts = [attempt.began + attempt.first for attempt in self.tries if attempt.first is not None]
        return None if self.began is None or not firsts else min(firsts) - self.began

    def let_go(self) -> None:
        """Give a place back that was reserved and is not made use of."""
        kept, self.passage = self.passage, None
        if kept is not None:
            kept.release()

    def note(self, notices: Iterable[Notice], *, strict: bool = False) -> None:
        """Add notices, each once however often it is told.

        Raises ``BadRequest`` with the first of these where ``strict``: nothing may be carried out otherwise than asked.
        """
        told = tuple(notices)
        self.notices = tuple(dict.fromkeys((*self.notices, *told)))
        if strict and told:
            notice = told[0]
            raise BadRequest(f"{notice.message} (translation.strict_parameters is on)", notice.param)


class Observer(Protocol):
    """Told of what happens to requests and accounts."""

    def failed(self, trail: Trail, account: Account, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An attempt failed and was judged so."""

    def attempted(self, trail: Trail, attempt: Attempt) -> None:
        """An account was given back: nothing changes in the attempt any more."""

    def ended(self, response_id: str, status: str, seconds: float, trail: Trail) -> None:
        """A response that ran in the background is over; ``status`` is the Response object's."""

    def punished(self, account: Account, model: str, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An account rests, is blocked for a model, or is disabled."""
