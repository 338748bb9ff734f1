"""The accounts: how they are, whether they answer, taking them out and bringing them back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from attrs import asdict, frozen

from agd.accounts.account import Account
from agd.accounts.overview import AccountView
from agd.accounts.pool import Pool
from agd.accounts.standing import Pause
from agd.accounts.verdict import judge
from agd.admin.routes import Question, Route, not_on_disk
from agd.errors import BadRequest, GatewayError, StoreError, UpstreamFailure
from agd.gemini.causes import cause_of

ATTEMPT = {
    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
    "generationConfig": {"maxOutputTokens": 1},
}
"""The smallest question to a model."""


@frozen
class Accounts:
    """``list_models`` and ``ask`` speak to the provider and raise ``UpstreamFailure``; ``now`` is the pool's clock.

    ``keep`` puts on disk what is known of the accounts, or raises ``StoreError``: what the operator decrees holds from
    the answer on.
    """

    pool: Pool
    list_models: Callable[[Account], Awaitable[list[str]]]
    ask: Callable[[Account, str, dict[str, Any]], Awaitable[object]]
    now: Callable[[], float]
    wall: Callable[[], float]
    keep: Callable[[], Awaitable[object]]

    def routes(self) -> Iterable[Route]:
        """``/accounts`` and what can be done to one, which ``account`` names by address or id."""
        yield Route("GET", "/accounts", self._list)
        yield Route("POST", "/accounts/test", self._test)
        yield Route("POST", "/accounts/disable", lambda question: self._pause(question, Pause.DISABLED))
        yield Route("POST", "/accounts/drain", lambda question: self._pause(question, Pause.DRAINING))
        yield Route("POST", "/accounts/enable", self._enable)
        yield Route("POST", "/accounts/reset", self._reset)

    def _list(self, _: Question) -> object:
        return {"accounts": [described(view) for view in self.pool.overview(self.now())]}

    async def _pause(self, question: Question, pause: Pause) -> object:
        account = self._named(question)
        why = question.maybe("why") or ""
        if not why.isprintable():
            raise BadRequest("why must be one line of text", "why")
        self.pool.pause(account.id, pause, why)
        return await self._kept(account)

    async def _enable(self, question: Question) -> object:
        account = self._named(question)
        self.pool.enable(account.id)
        return await self._kept(account)

    async def _reset(self, question: Question) -> object:
        account = self._named(question)
        self.pool.reset(account.id, question.maybe("model"))
        return await self._kept(account)

    async def _test(self, question: Question) -> object:
        account, model = self._named(question), question.maybe("model")
        return await tried(account, model, self.list_models, self.ask, self.wall)

    def _named(self, question: Question) -> Account:
        name = question.text("account")
        standing = self.pool.roster.named(name)
        if standing is None:
            raise GatewayError(404, f"there is no account {name}", code="unknown_account", param="account")
        return standing.account

    async def _kept(self, account: Account) -> object:
        try:
            await self.keep()
        except StoreError as error:
            raise not_on_disk("it is done, and holds until the next start, for it", error) from None
        [view] = [each for each in self.pool.overview(self.now()) if each.account.id == account.id]
        return described(view)


async def tried(
    account: Account,
    model: str | None,
    list_models: Callable[[Account], Awaitable[list[str]]],
    ask: Callable[[Account, str, dict[str, Any]], Awaitable[object]],
    wall: Callable[[], float],
) -> dict[str, Any]:
    """Ask the provider with an account, for its models and for one token of ``model`` if given; tell what came.

    ``wall`` gives Unix seconds.
    """
    began = wall()
    found: dict[str, Any] = {"id": account.id, "email": account.email, "ok": True}
    try:
        models = await list_models(account)
        if model is not None:
            await ask(account, model, ATTEMPT)
            found["model"] = model
        found["models"] = len(models)
    except UpstreamFailure as failure:
        cause = cause_of(failure)
        verdict = judge(failure, cause, wall())
        found.update(ok=False, problem=str(failure), cause=cause.value, hint=verdict.hint)
    return {**found, "seconds": round(wall() - began, 3)}


def described(view: AccountView) -> dict[str, Any]:
    """Return an account as JSON has it; nothing that proves it is in it."""
    account = view.account
    terms = account.terms
    return {
        "id": account.id,
        "email": account.email,
        "kind": account.kind,
        "project": account.project,
        "location": account.location,
        "base_url": account.base_url,
        "condition": view.condition,
        "why": view.why,
        "running": view.running,
        "weight": terms.weight,
        "priority": terms.priority,
        "models": list(terms.models),
        "max_concurrency": terms.max_concurrency,
        "tally": dict(view.tally),
        "rests": [asdict(rest) for rest in view.rests],
        "quotas": list(_quotas(view)),
    }


def _quotas(view: AccountView) -> Iterator[dict[str, Any]]:
    for quota in view.quotas:
        yield {**asdict(quota), "names": list(quota.names)}
