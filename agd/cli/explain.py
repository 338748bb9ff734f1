"""``agd explain``: why a request for a model would go to this account and not to another."""

from __future__ import annotations

import argparse
from typing import Any

from agd.cli.socket import NoDaemon, Refused, complain
from agd.cli.surroundings import Surroundings, add_surroundings
from agd.cli.tables import lasting, print_json, print_table


def add_explain(commands: Any) -> None:
    """Add ``explain`` to the commands of ``agd``."""
    explaining = commands.add_parser("explain", help="why a request for a model would go to which account")
    explaining.add_argument("model", metavar="MODEL", help="as a client writes it")
    explaining.add_argument(
        "--session",
        metavar="S",
        help="of this conversation: what the client says as prompt_cache_key, session-id or user, or a key of the log",
    )
    explaining.add_argument(
        "--owner", metavar="O", help='whose it is: "key:NAME"; default: local, where no key is asked'
    )
    add_surroundings(explaining)


def explain(options: argparse.Namespace) -> int:
    """Ask the daemon, print, and return the exit status: 1 where nobody would be asked."""
    try:
        told = Surroundings.of(options).daemon.get(
            "/explain", model=options.model, session=options.session, owner=options.owner
        )
    except (NoDaemon, Refused) as error:
        return complain(error)
    if options.json:
        print_json(told)
    else:
        _show(told)
    return 0 if any(each["chosen"] for each in told["considered"]) else 1


def _show(told: dict[str, Any]) -> None:
    print(f"{told['asked']} is asked for as {told['model']}")
    for step in told["rules"]:
        print(f"  {step['rule']} -> {step['target']}")
    if not told["listed"]:
        print("  no account lists this model")
    print(f"mode {told['mode']}" + (f", pinned to {told['pinned']}" if told["pinned"] else ""))
    rows = [_row(each) for each in told["considered"]]
    print_table(("", "ACCOUNT", "IN", "WHY", "WHAT TO DO"), rows)
    if not any(each["chosen"] for each in told["considered"]):
        wait = "as things stand nobody will" if told["wait"] is None else f"the first can in {lasting(told['wait'])}"
        print(f"nobody can be asked now; {wait}")


def _row(considered: dict[str, Any]) -> tuple[object, ...]:
    mark = "=>" if considered["chosen"] else ""
    name = considered["email"] or considered["account_id"]
    return mark, name, lasting(considered["wait"]), considered["why"], considered["hint"]
