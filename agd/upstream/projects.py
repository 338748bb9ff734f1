"""The Google Cloud projects of Code Assist accounts that name none: asked for once, however many wait."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred

from agd.accounts.account import Account
from agd.accounts.credentials import Credential
from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure

Ask = Callable[[Account], Coroutine[Any, Any, bytes]]
Key = tuple[str, Credential]


@define(eq=False)
class Projects:
    """What is known, by account and credential: an account that keeps its id may become somebody else's.

    ``ask`` gives the body that ``loadCodeAssist`` answers with.
    """

    _ask: Ask
    _known: dict[Key, str] = field(factory=dict, init=False)
    _waiting: dict[Key, list[Deferred[str]]] = field(factory=dict, init=False)

    async def placed(self, account: Account) -> Account:
        """Give the account with its project. Raises ``UpstreamFailure``; who asks next then asks anew."""
        project = self._known.get(_key(account))
        return evolve(account, project=await self._awaited(account) if project is None else project)

    def forget(self, account: Account) -> None:
        """Ask again next time: the provider refused what it had named."""
        self._known.pop(_key(account), None)

    def keep_only(self, accounts: Iterable[Account]) -> None:
        """Forget the accounts that a new configuration no longer has."""
        kept = {_key(account) for account in accounts}
        self._known = {key: project for key, project in self._known.items() if key in kept}

    def _awaited(self, account: Account) -> Deferred[str]:
        begin = _key(account) not in self._waiting
        waiting = self._waiting.setdefault(_key(account), [])
        one: Deferred[str] = Deferred(waiting.remove)
        waiting.append(one)
        if begin:
            asked = Deferred.fromCoroutine(self._look_up(account))
            asked.addCallbacks(
                lambda project: self._tell(account, lambda each: each.callback(project)),
                lambda failure: self._tell(account, lambda each: each.errback(failure)),
            )
        return one

    async def _look_up(self, account: Account) -> str:
        project = read_project(await self._ask(account))
        self._known[_key(account)] = project
        return project

    def _tell(self, account: Account, tell: Callable[[Deferred[str]], None]) -> None:
        for each in self._waiting.pop(_key(account)):
            tell(each)


def _key(account: Account) -> Key:
    return account.id, account.credential


def read_project(said: bytes) -> str:
    """Read ``cloudaicompanionProject``, a name or an object with one as its ``id``. Raises ``UpstreamFailure``."""
    try:
        document = decode(said)
    except InvalidJSON:
        document = None
    project = document.get("cloudaicompanionProject") if isinstance(document, dict) else None
    name = project.get("id") if isinstance(project, dict) else project
    if isinstance(name, str) and name:
        return name
    words = "loadCodeAssist names no project for this account: set project in its table, or enable Code Assist for it"
    # As the provider tells of accounts that cannot be used at all: no model and no request is to blame.
    kind, grpc = FailureKind.STATUS, "PERMISSION_DENIED"
    raise UpstreamFailure(kind, words, status=403, grpc=grpc, reason="ACCOUNT_STATE_INVALID")
