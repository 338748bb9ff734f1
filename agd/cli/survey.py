"""Asking one account about models, question by question, as long as it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from attrs import define, field

from agd.accounts.account import Account
from agd.errors import UpstreamFailure
from agd.gemini.models import Overrides, family
from agd.gemini.probes.comparison import Finding, compare
from agd.gemini.probes.observations import observe
from agd.gemini.probes.questions import baseline, questions
from agd.gemini.probes.replies import Reply, ends_probe, read_answer, read_refusal

REQUESTS = len(questions()) + 2
"""Most requests for one model: the questions, one that must be accepted, and its entry in the list of models."""


class Asks(Protocol):
    """What sends the requests (``agd.upstream.inspection.Inspector``). Both raise ``UpstreamFailure``."""

    async def ask(self, account: Account, model: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a ``generateContent`` request and return its answer."""

    async def output_limit(self, account: Account, model: str) -> int | None:
        """Return the model's ``outputTokenLimit``."""


@define
class Survey:
    """What was found out. ``unasked``: models that would not be asked, and why. ``stopped``: why it ended early."""

    findings: list[Finding] = field(factory=list)
    unasked: dict[str, str] = field(factory=dict)
    stopped: str = ""

    @property
    def differs(self) -> bool:
        """Some model is other than the table says."""
        return any(finding.verdict == "different" for finding in self.findings)

    @property
    def complete(self) -> bool:
        """Every model was asked everything."""
        return not self.unasked and not self.stopped


class _Stopped(Exception):
    """The account answers no more."""


@define
class Surveyor:
    """Asks one account. ``pause`` is awaited before every request but the first; ``tell`` is told how it goes."""

    _asks: Asks
    _account: Account
    _overrides: Overrides
    _pause: Callable[[], Awaitable[None]]
    _tell: Callable[[str], None]
    _survey: Survey = field(factory=Survey)
    _begun: bool = False

    async def survey(self, models: Sequence[str]) -> Survey:
        """Ask about models until all is asked or the account refuses. Never raises ``UpstreamFailure``."""
        for model in models:
            try:
                await self._ask_model(model)
            except _Stopped as stop:
                self._survey.stopped = str(stop)
                break
        return self._survey

    async def _ask_model(self, model: str) -> None:
        first = baseline()
        await self._turn()
        try:
            await self._asks.ask(self._account, model, first.body)
        except UpstreamFailure as failure:
            _stop_at(failure)
            self._survey.unasked[model] = str(failure)
            self._tell(f"{model}: cannot be asked: {failure}")
            return
        self._tell(f"{model}: asking")
        replies: dict[str, Reply] = {}
        limit: int | None = None
        try:
            limit = await self._output_limit(model)
            for question in questions():
                await self._turn()
                try:
                    replies[question.name] = read_answer(await self._asks.ask(self._account, model, question.body))
                except UpstreamFailure as failure:
                    _stop_at(failure)
                    replies[question.name] = read_refusal(question, failure)
        finally:
            traits = family(model, self._overrides)
            self._survey.findings += compare(model, traits, observe(replies, traits, limit))

    async def _output_limit(self, model: str) -> int | None:
        await self._turn()
        try:
            return await self._asks.output_limit(self._account, model)
        except UpstreamFailure as failure:
            _stop_at(failure)
            return None

    async def _turn(self) -> None:
        if self._begun:
            await self._pause()
        self._begun = True


def _stop_at(failure: UpstreamFailure) -> None:
    if not ends_probe(failure):
        return
    if failure.status == 429:
        wait = f" (it asks to wait {failure.retry_after:g} s)" if failure.retry_after else ""
        raise _Stopped(
            f"the account's quota is used up{wait}: {failure}. Probe fewer models, or use --pause."
        ) from None
    raise _Stopped(str(failure)) from None
