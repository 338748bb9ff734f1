"""``agd models``: its part of the command line, which loads the network only when something is to be asked."""

from __future__ import annotations

import argparse
from typing import Any

from agd.cli.socket import NoDaemon, Refused, complain
from agd.cli.surroundings import Surroundings, add_surroundings
from agd.cli.survey import REQUESTS
from agd.cli.tables import print_json, print_table


def add_models(commands: Any) -> None:
    """Add ``models`` and its own commands to the commands of ``agd``."""
    models = commands.add_parser("models", help="what is known of the provider's models")
    actions = models.add_subparsers(required=True, metavar="COMMAND", dest="action")
    listing = actions.add_parser("list", help="every name that the running daemon answers to, and what it leads to")
    add_surroundings(listing)
    probing = actions.add_parser(
        "probe",
        help="check what agd knows of models against a live account",
        description=(
            f"Ask an account what its models accept, with up to {REQUESTS} small requests for each model, and print "
            "where agd's table says otherwise, with the configuration that puts it right. Exit status: 0 all is as the "
            "table says, 1 something is different, 2 the account or a model could not be asked."
        ),
    )
    probing.add_argument("--config", metavar="FILE", help="default: the one agd would start with")
    probing.add_argument("--account", metavar="EMAIL_OR_ID", help="default: the first one configured")
    probing.add_argument(
        "--model",
        metavar="NAME",
        nargs="+",
        action="extend",
        default=[],
        help="default: the models of the table that the account lists",
    )
    probing.add_argument("--pause", metavar="SECONDS", type=_seconds, default=0.0, help="wait between requests")
    probing.add_argument("--json", action="store_true", help="print all findings as JSON")


def models(options: argparse.Namespace) -> int:
    """Do what the options say and return the exit status."""
    if options.action == "list":
        return _list(options)
    # Not above, because it installs a reactor: "agd run" leaves that to twistd, and no other command wants one.
    from agd.cli.probing import probe  # noqa: PLC0415

    return probe(options)


def _list(options: argparse.Namespace) -> int:
    try:
        told = Surroundings.of(options).daemon.get("/models")
    except (NoDaemon, Refused) as error:
        return complain(error)
    if options.json:
        print_json(told)
    else:
        rows = [(each["name"], each["model"], each["accounts"]) for each in told["models"]]
        print_table(("NAME", "MODEL", "ACCOUNTS"), rows)
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be between 0 and 3600")
    return seconds
