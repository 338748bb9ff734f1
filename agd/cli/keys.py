"""``agd keys``: keys for clients, made and revoked while the daemon runs, or before it does."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from agd.allowance import ALLOWED_BUDGETS, read_budgets
from agd.cli.socket import NoDaemon, Refused, complain
from agd.cli.surroundings import Surroundings, add_surroundings
from agd.cli.tables import print_json, print_table
from agd.clientele.terms import LATEST

_SPAN = re.compile(r"(?P<number>[1-9][0-9]{0,4})(?P<unit>[hdw])")
_SECONDS: Mapping[str, int] = {"h": 3600, "d": 86400, "w": 7 * 86400}


class Asked(Protocol):
    """Who is asked: the daemon, or its store while none runs."""

    def get(self, path: str) -> Any:
        """Ask for something."""

    def post(self, path: str, **body: object) -> Any:
        """Have something done."""


def add_keys(commands: Any) -> None:
    """Add ``keys`` and its own commands to the commands of ``agd``."""
    keys = commands.add_parser("keys", help="keys for clients: create, list, revoke")
    actions = keys.add_subparsers(required=True, metavar="COMMAND", dest="action")
    creating = actions.add_parser(
        "create",
        help="make a key and show it, this once",
        description=(
            "Make a key for a client and print it: nobody can show it again, for only its digest is kept. The name "
            "is whose requests they are in logs and metrics, and whose stored responses are found with it."
        ),
    )
    creating.add_argument("name", metavar="NAME")
    creating.add_argument("--expires", metavar="30d|DATE", type=_moment, help="hours, days or weeks from now, or when")
    creating.add_argument("--models", metavar="PATTERNS", type=_names, help='names and patterns, "gemini-*,gpt-4o"')
    creating.add_argument("--rpm", metavar="N", type=_count, help="requests in any 60 seconds")
    creating.add_argument("--tpm", metavar="N", type=_count, help="tokens in any 60 seconds")
    creating.add_argument("--concurrency", metavar="N", type=_count, help="requests at a time")
    creating.add_argument("--budget", metavar="N/day", type=_budget, help=ALLOWED_BUDGETS)
    creating.add_argument("--quiet", action="store_true", help="print nothing but the key")
    listing = actions.add_parser("list", help="show the keys, without the keys themselves")
    revoking = actions.add_parser("revoke", help="let a key begin nothing any more; what runs goes on")
    revoking.add_argument("name", metavar="NAME")
    for each in (creating, listing, revoking):
        add_surroundings(each)


def keys(options: argparse.Namespace) -> int:
    """Do what the options say and return the exit status."""
    action: Callable[[Asked, argparse.Namespace], None] = _ACTIONS[options.action]
    try:
        with asked(Surroundings.of(options)) as daemon:
            action(daemon, options)
    except (NoDaemon, Refused) as error:
        return complain(error)
    return 0


@contextmanager
def asked(around: Surroundings) -> Iterator[Asked]:
    """Give the daemon, or its store while none runs. Raises ``NoDaemon`` where there is neither."""
    from agd.cli.offline import offline  # noqa: PLC0415 - the store, for this command only

    try:
        daemon = around.daemon
        daemon.get("/status")
    except NoDaemon:
        if around.launch is None:
            raise NoDaemon(around.problem) from None
        with offline(around.launch) as store:  # says so if a daemon has it after all
            yield store
    else:
        yield daemon


def _create(daemon: Asked, options: argparse.Namespace) -> None:
    terms = {name: getattr(options, name) for name in ("expires", "models", "rpm", "tpm", "concurrency", "budget")}
    made = daemon.post("/keys/create", name=options.name, **terms)
    if options.json:
        print_json(made)
        return
    print(made["key"])
    if not options.quiet:
        print(f"This is the key of {made['name']}; it is not shown again.", file=sys.stderr)
        for warning in made["warnings"]:
            print(f"warning: {warning}", file=sys.stderr)


def _list(daemon: Asked, options: argparse.Namespace) -> None:
    found = daemon.get("/keys")
    if options.json:
        print_json(found)
    else:
        print_table(_COLUMNS, map(tuple, map(_row, found["keys"])))


def _revoke(daemon: Asked, options: argparse.Namespace) -> None:
    revoked = daemon.post("/keys/revoke", name=options.name)
    if options.json:
        print_json(revoked)
    else:
        print(f"{revoked['name']} is revoked")


_ACTIONS: Mapping[str, Callable[[Asked, argparse.Namespace], None]] = {
    "create": _create,
    "list": _list,
    "revoke": _revoke,
}


_COLUMNS = ("NAME", "STATUS", "EXPIRES", "MODELS", "RPM", "TPM", "AT ONCE", "BUDGET", "FROM")


def _row(key: Mapping[str, Any]) -> Iterator[object]:
    yield key["name"]
    yield key["status"]
    yield _shown(key["expires"])
    yield ", ".join(key["models"]) or "all"
    for limit in ("rpm", "tpm"):
        yield "-" if key[limit] is None else key[limit]
    yield f"{key['running']} of {key['concurrency']}" if key["concurrency"] is not None else "-"
    spent = (f"{budget['spent']} of {budget['tokens']}/{budget['period']}" for budget in key["budgets"])
    yield ", ".join(spent) or "-"
    yield key["source"]


def _shown(expires: float | None) -> str:
    if expires is None:
        return "-"
    if expires > LATEST:
        return "after 9999"
    return datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%MZ")


def _moment(text: str) -> float:
    """Read a length of time from now on, or a moment."""
    found = _SPAN.fullmatch(text)
    if found is not None:
        return time.time() + int(found["number"]) * _SECONDS[found["unit"]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(_MOMENTS) from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


_MOMENTS = "12h, 30d or 4w, or a moment such as 2027-01-31 or 2027-01-31T12:00+01:00 (UTC where no offset is given)"


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("names and patterns of models, with commas between them")
    return names


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number of at least 1")
    return int(text)


def _budget(text: str) -> str:
    try:
        read_budgets(text)
    except ValueError:
        raise argparse.ArgumentTypeError(ALLOWED_BUDGETS) from None
    return text
