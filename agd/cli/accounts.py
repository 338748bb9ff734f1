"""``agd accounts``: its part of the command line, and what asks the daemon."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from agd.cli.socket import NoDaemon, Refused, complain
from agd.cli.surroundings import Surroundings, add_surroundings
from agd.cli.tables import lasting, print_json, print_table, watched

_ONE = {
    "disable": "give an account nothing new until it is enabled",
    "drain": "the same, and say that what runs is waited for",
    "enable": "bring an account back, also one whose credential was refused",
    "reset": "forget what is held against an account and its project",
}


def add_accounts(commands: Any) -> None:
    """Add ``accounts`` and its own commands to the commands of ``agd``."""
    accounts = commands.add_parser("accounts", help="the accounts of the running daemon")
    actions = accounts.add_subparsers(required=True, metavar="COMMAND", dest="action")
    add_surroundings(actions.add_parser("list", help="how every account is"))
    for name, words in _ONE.items():
        acting = actions.add_parser(name, help=words)
        acting.add_argument("account", metavar="EMAIL_OR_ID")
        if name in {"disable", "drain"}:
            acting.add_argument("--why", metavar="TEXT", help="shown in the list")
        if name == "reset":
            acting.add_argument("--model", metavar="NAME", help="for this model only")
        add_surroundings(acting)
    testing = actions.add_parser("test", help="ask the provider with an account; exit status 1 if one does not answer")
    testing.add_argument("account", metavar="EMAIL_OR_ID", nargs="*", help="default: all")
    testing.add_argument("--model", metavar="NAME", help="ask this model for one token too")
    add_surroundings(testing)
    _add_adding(actions)


def _add_adding(actions: Any) -> None:
    from agd.cli.adding import add_adding  # noqa: PLC0415 - for this command only
    from agd.cli.importing import add_importing  # noqa: PLC0415 - for this command only

    add_adding(actions)
    add_importing(actions)


def accounts(options: argparse.Namespace) -> int:
    """Do what the options say and return the exit status."""
    try:
        match options.action:
            case "list":
                return _list(options)
            case "test":
                return _test(options)
            case "add":
                from agd.cli.adding import add  # noqa: PLC0415 - for this command only

                return add(options)
            case "import":
                from agd.cli.importing import import_  # noqa: PLC0415 - for this command only

                return import_(options)
        return _act(options)
    except (NoDaemon, Refused) as error:
        return complain(error)


def _list(options: argparse.Namespace) -> int:
    told = Surroundings.of(options).daemon.get("/accounts")
    if options.json:
        print_json(told)
        return 0
    columns = ("ACCOUNT", "KIND", "STATE", "RUNS", "SERVED", "FAILED", "RESTS", "WHY")
    print_table(columns, (_row(each) for each in told["accounts"]))
    return 0


def _row(account: dict[str, Any]) -> tuple[object, ...]:
    tally = account["tally"]
    failed = sum(count for name, count in tally.items() if name not in {"asked", "served"})
    rests = [f"{rest['model'] or 'every model'} {lasting(rest['ends'])}" for rest in account["rests"]]
    served, name = tally.get("served", 0), account["email"] or account["id"]
    condition, why = account["condition"], account["why"]
    return name, account["kind"], condition, account["running"], served, failed, ", ".join(rests), why


def _act(options: argparse.Namespace) -> int:
    """Do something to one account, and show how it is then."""
    more = {key: value for key in ("why", "model") if (value := getattr(options, key, None)) is not None}
    path = f"/accounts/{options.action}"
    told = Surroundings.of(options).daemon.post(path, account=options.account, **more)
    if options.json:
        print_json(told)
    else:
        why = f" ({told['why']})" if told["why"] else ""
        print(f"{told['email'] or told['id']}: {told['condition']}{why}, {told['running']} running")
    return 0


def _test(options: argparse.Namespace) -> int:
    """Test accounts one by one, by the daemon if there is one."""
    around = Surroundings.of(options)
    try:
        names = options.account or [each["id"] for each in around.daemon.get("/accounts")["accounts"]]
        found = [_ask(around, name, options.model) for name in watched(names, "asking")]
    except NoDaemon as missing:
        if around.launch is None:
            print(around.problem, file=sys.stderr)
            return complain(missing)
        # Not above, because it installs a reactor, which no other command wants.
        from agd.cli.trying import try_accounts  # noqa: PLC0415

        return report(try_accounts(around.launch, options.account, options.model), as_json=options.json)
    return report(found, as_json=options.json)


def _ask(around: Surroundings, name: str, model: str | None) -> dict[str, Any]:
    found: dict[str, Any] = around.daemon.post("/accounts/test", account=name, model=model)
    return found


def report(found: list[dict[str, Any]], *, as_json: bool) -> int:
    """Print what tests have found and return the exit status."""
    if as_json:
        print_json({"accounts": found})
    else:
        print_table(("ACCOUNT", "ANSWERS", "SECONDS", "WHAT"), (_tested(each) for each in found))
    return 0 if found and all(each["ok"] for each in found) else 1


def _tested(found: dict[str, Any]) -> tuple[object, ...]:
    if found["ok"]:
        what = f"{found['models']} models" + (f", and {found['model']} answers" if "model" in found else "")
    else:
        what = found["problem"] + (f" ({found['hint']})" if found["hint"] else "")
    return found["email"] or found["id"], "yes" if found["ok"] else "NO", f"{found['seconds']:.1f}", what
