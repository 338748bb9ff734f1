"""``agd models probe``: asks a configured account, by agd's own way to the upstream, and prints what it found."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from agd.accounts.account import Account
from agd.cli.findings import document, report
from agd.cli.survey import REQUESTS, Survey, Surveyor
from agd.errors import ConfigurationError, UpstreamFailure
from agd.gemini.models import Overrides, bundled_models
from agd.launch import prepare
from agd.roster import accounts_of
from agd.transport.ways import Ways
from agd.upstream.exchange import Exchange
from agd.upstream.inspection import Inspector
from agd.upstream.tokens import Tokens

SAME, DIFFERENT, CANNOT_ASK = 0, 1, 2
"""The exit statuses. The last also tells of models that could not be asked: 0 means that all is as the table says."""


@frozen
class Probe:
    """What is asked for. No ``models``: those of the table that the account lists. ``pause`` is in seconds."""

    account: Account
    models: tuple[str, ...]
    overrides: Overrides
    pause: float
    as_json: bool


def probe(options: argparse.Namespace) -> int:
    """Probe as the options say and return the exit status. Raises ``SystemExit`` with it once the account is asked."""
    try:
        launch = prepare(options.config)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return CANNOT_ASK
    account = _choose(accounts_of(launch.settings), options.account)
    if account is None:
        return CANNOT_ASK
    names = tuple(dict.fromkeys(name.removeprefix("models/") for name in options.model))
    wanted = Probe(account, names, launch.settings.models, options.pause, options.json)
    react(lambda reactor: Deferred.fromCoroutine(_run(reactor, wanted)))
    raise AssertionError("react ends the process")


async def _run(reactor: Any, wanted: Probe) -> None:
    """Probe and print. Raises ``SystemExit`` with the exit status, as ``react`` expects."""
    asking = inspector(reactor)
    try:
        models = wanted.models or await _listed(asking, wanted.account)
    except UpstreamFailure as failure:
        _tell(f"the account cannot be asked: {failure}")
        raise SystemExit(CANNOT_ASK) from None
    _tell(f"asking {_name(wanted.account)}: {len(models)} models, at most {REQUESTS * len(models)} requests")

    async def pause() -> None:
        if wanted.pause:
            await deferLater(reactor, wanted.pause)

    survey = await Surveyor(asking, wanted.account, wanted.overrides, pause, _tell).survey(models)
    if wanted.as_json:
        print(document(survey, wanted.account.id, wanted.overrides))
    elif survey.findings:
        print(report(survey, wanted.overrides))
    if survey.stopped:
        _tell(f"stopped: {survey.stopped}")
    raise SystemExit(status_of(survey))


def status_of(survey: Survey) -> int:
    """Return the exit status for what was found."""
    if not survey.complete or not survey.findings:
        return CANNOT_ASK
    return DIFFERENT if survey.differs else SAME


def _choose(accounts: Sequence[Account], wanted: str | None) -> Account | None:
    """Return the account of that address or id, the first one if none is wanted; None, said why, if there is none."""
    if not accounts:
        _tell("no account is configured: add [[accounts]] to the configuration or set GEMINI_API_KEY")
        return None
    for account in accounts:
        if wanted is None or wanted in {account.id, account.email}:
            return account
    _tell(f"there is no account {wanted!r}; there are {', '.join(map(_name, accounts))}")
    return None


async def _listed(asking: Inspector, account: Account) -> tuple[str, ...]:
    listed = set(await asking.models(account))
    return tuple(name for name in bundled_models() if name in listed)


def inspector(reactor: Any) -> Inspector:
    """Make what asks the provider."""
    ways = Ways(reactor)
    tokens = Tokens(Exchange(ways, reactor, time.time).fetch, reactor, random.random)
    return Inspector(ways, tokens, reactor, str)


def _name(account: Account) -> str:
    return f"{account.id} ({account.email})" if account.email else account.id


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
