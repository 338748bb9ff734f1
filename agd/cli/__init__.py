"""The ``agd`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from agd import __version__
from agd.cli.accounts import accounts, add_accounts
from agd.cli.check import check
from agd.cli.client_config import add_client_config, client_config
from agd.cli.document import PAGES, document
from agd.cli.explain import add_explain, explain
from agd.cli.keys import add_keys, keys
from agd.cli.models import add_models, models
from agd.cli.run import run

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the command with these arguments (by default the process's own) and return its exit status.

    Raises ``SystemExit`` as argparse and twistd do: for help, the version, and wrong usage.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["run"]:  # not left to argparse, which would take twistd's options for its own
        run(arguments[1:])
        return None
    options = _parser().parse_args(arguments)
    match options.command:
        case "document":
            return document(options.page)
        case "models":
            return models(options)
        case "accounts":
            return accounts(options)
        case "explain":
            return explain(options)
        case "keys":
            return keys(options)
        case "client-config":
            return client_config(options)
    return check(options.file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agd", description="A gateway from OpenAI clients to Gemini models.")
    parser.add_argument("--version", action="version", version=f"agd {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    commands.add_parser("run", help='run the daemon in the foreground; takes the options of "twistd -n agd"')
    checking = commands.add_parser("check", help="check a configuration and say all that is wrong with it")
    checking.add_argument("file", nargs="?", metavar="FILE", help="default: the one agd would start with")
    documenting = commands.add_parser("document", help="print a page of the documentation made from agd's own tables")
    documenting.add_argument("page", choices=sorted(PAGES), metavar="PAGE", help=", ".join(sorted(PAGES)))
    add_client_config(commands)
    add_models(commands)
    add_accounts(commands)
    add_explain(commands)
    add_keys(commands)
    return parser
