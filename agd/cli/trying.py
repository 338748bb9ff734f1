"""``agd accounts test`` where no daemon runs: the accounts of the configuration, asked from here."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from agd.accounts.account import Account
from agd.admin.accounts import tried
from agd.cli.probing import inspector
from agd.launch import Launch
from agd.roster import accounts_of


def try_accounts(launch: Launch, names: Sequence[str], model: str | None) -> list[dict[str, Any]]:
    """Ask with the named accounts, all where none is named, and return what was found. Installs a reactor."""
    accounts = accounts_of(launch.settings)
    known = {name for account in accounts for name in (account.id, account.email)}
    for name in names:
        if name not in known:
            print(f"agd: there is no account {name}", file=sys.stderr)
    chosen = [each for each in accounts if not names or {each.id, each.email} & set(names)]
    found: list[dict[str, Any]] = []

    async def ask_all(reactor: Any) -> None:
        found.extend([await _ask(reactor, account, model) for account in chosen])

    try:
        react(lambda reactor: Deferred.fromCoroutine(ask_all(reactor)))
    except SystemExit as ended:
        if ended.code:
            raise
    return found


async def _ask(reactor: Any, account: Account, model: str | None) -> dict[str, Any]:
    asking = inspector(reactor)
    return await tried(account, model, asking.models, asking.ask, time.time)
