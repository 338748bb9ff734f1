"""What is told to the operator: a line for each answer, and one for each thing that befalls an account.

No line holds a credential, a prompt or an answer.
"""

from __future__ import annotations

from twisted.logger import Logger

from agd.accounts.account import Account
from agd.accounts.verdict import Blame, Verdict
from agd.errors import UpstreamFailure
from agd.gateway import Trail

_log = Logger("agd")

_NAME_LENGTH = 100


class LogObserver:
    """Writes to Twisted's log."""

    def answered(self, method: str, path: str, status: int, seconds: float, trail: Trail) -> None:
        """One line an answer: what was asked, who answered, how long it took, and what went wrong on the way."""
        if path in ("/healthz", "/readyz") and status == 200:
            return
        _log.info(
            "{id} {method} {path} {status} {milliseconds}ms{route}{trouble}",
            id=trail.request_id,
            method=_legible(method),
            path=_legible(path),
            status=status,
            milliseconds=round(seconds * 1000),
            route=_route(trail),
            trouble="".join(f" | {failure}" for failure in trail.failures),
        )
        if trail.notices:
            notices = "; ".join(f"{notice.param}: {notice.message}" for notice in trail.notices)
            _log.info("{id} notices: {notices}", id=trail.request_id, notices=notices)

    def failed(self, trail: Trail, account: Account, failure: UpstreamFailure, verdict: Verdict) -> None:
        """The line of the answer tells all failed attempts."""

    def punished(self, account: Account, model: str, failure: UpstreamFailure, verdict: Verdict) -> None:
        """One line for an account that rests or is out, with the provider's reason."""
        who = account.email or account.id
        # Not named "failure": in an error's event Twisted takes that for a Failure.
        cause = f"{failure}; {verdict.hint}" if verdict.hint else str(failure)
        match verdict.blame:
            case Blame.DISABLE:
                _log.error("account {who} disabled until reload: {cause}", who=who, cause=cause)
            case Blame.BLOCK:
                _log.warn("account {who} blocked for {model}: {cause}", who=who, model=_legible(model), cause=cause)
            case Blame.COOL:
                _log.info(
                    "account {who} rests {seconds:.1f}s for {model}: {cause}",
                    who=who,
                    seconds=verdict.seconds,
                    model=_legible(model),
                    cause=cause,
                )


def _route(trail: Trail) -> str:
    if not trail.model:
        return ""
    who = (trail.account.email or trail.account.id) if trail.account is not None else "nobody"
    wanted, model = _legible(trail.wanted or trail.model), _legible(trail.model)
    return f" {wanted} -> {model} by {who} in {trail.attempts} attempt(s)"


def _legible(name: str) -> str:
    """Show what a client wrote so that it can neither flood the log nor forge a line of it, or a word of a line."""
    shown = "".join(letter if letter.isprintable() and letter != " " else "?" for letter in name[:_NAME_LENGTH])
    return shown if len(name) <= _NAME_LENGTH else shown + "…"
