"""What the operator reads: a line for each answer, and one for each thing that befalls an account.

No line holds a credential, a prompt or an answer.
"""

from __future__ import annotations

from typing import Literal

from attrs import define
from twisted.logger import Logger

from agd.accounts.account import Account
from agd.accounts.verdict import Blame, Scope, Verdict
from agd.encoding import encode
from agd.errors import UpstreamFailure
from agd.gateway import Trail

_log = Logger("agd")

Format = Literal["text", "json"]


@define
class Log:
    """Writes to Twisted's log. ``format`` is of the lines about answers, and may be changed at any time."""

    format: Format = "text"

    def answered(self, method: str, path: str, status: int, seconds: float, trail: Trail) -> None:
        """One line an answer: what was asked, who answered, how long it took, and what went wrong on the way."""
        if path in ("/healthz", "/readyz", "/metrics") and status == 200:
            return
        self._write(method, path, status, seconds, trail)

    def ended(self, response_id: str, status: str, seconds: float, trail: Trail) -> None:
        """One line for a response that ran in the background; the request that it came with has its own."""
        self._write("BACKGROUND", response_id, status, seconds, trail)

    def _write(self, method: str, path: str, status: int | str, seconds: float, trail: Trail) -> None:
        from agd.telemetry.line import in_words, record  # noqa: PLC0415 - with the first line: idle memory is counted

        if self.format == "json":
            line = encode(record(method, path, status, seconds, trail)).decode()
        else:
            line = in_words(method, path, status, seconds, trail)
        _log.info("{line}", line=line)

    def punished(self, account: Account, model: str, failure: UpstreamFailure, verdict: Verdict) -> None:
        """One line for an account that rests or is out, with the provider's reason."""
        from agd.telemetry.line import word, words  # noqa: PLC0415 - see above

        who = account.email or account.id
        # Not named "failure": in an error's event Twisted takes that for a Failure.
        cause = words(f"{failure}; {verdict.hint}" if verdict.hint else str(failure))
        of = word(model) if verdict.scope is Scope.MODEL else "every model"
        match verdict.blame:
            case Blame.DISABLE:
                _log.error("account {who} disabled until reload: {cause}", who=who, cause=cause)
            case Blame.BLOCK:
                _log.warn("account {who} blocked for {of}: {cause}", who=who, of=of, cause=cause)
            case Blame.COOL:
                seconds = f"{verdict.seconds:.1f}s"
                _log.info(
                    "account {who} rests {seconds} for {of}: {cause}", who=who, seconds=seconds, of=of, cause=cause
                )
