"""``agd accounts add``: one account into a file of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from agd.cli import secrets
from agd.cli.documents import CannotAdd, Writer
from agd.cli.socket import complain
from agd.cli.surroundings import Surroundings, add_surroundings
from agd.cli.tables import print_json

_SECRETS = {"api_key": "API key", "refresh_token": "refresh token", "client_secret": "client secret", "proxy": "proxy"}
_PLAIN = ("email", "id", "kind", "project", "location", "base_url", "client_id", "token_url", "weight", "priority")
USAGE = 2


def add_adding(actions: Any) -> None:
    """Add ``add`` to the commands of ``agd accounts``."""
    adding = actions.add_parser(
        "add",
        help="add an account, which the running daemon takes at once",
        description="Write an account into a file of accounts_dir. What is not said is asked for at a terminal.",
    )
    adding.add_argument("--email", metavar="NAME", help="the account's name, unique")
    adding.add_argument("--id", metavar="ID", help="default: an opaque one is made")
    add_common(adding)
    way = adding.add_mutually_exclusive_group()
    way.add_argument("--api-key", metavar="SECRET", type=secrets.named, help=secrets.WORDS)
    way.add_argument("--service-account", metavar="FILE", help="a service account's JSON file, which is copied")
    way.add_argument("--default-credentials", action="store_true", help="what Google's library finds on this machine")
    way.add_argument("--refresh-token", metavar="SECRET", type=secrets.named, help="given to your own OAuth client")
    adding.add_argument("--max-concurrency", metavar="N", type=int, help="most requests at a time; default: any number")
    add_surroundings(adding)


def add_common(parser: Any) -> None:
    """Add the options that ``add`` and ``import`` share."""
    parser.add_argument("--kind", choices=("gemini", "vertex", "code-assist"), help="default: gemini")
    parser.add_argument("--project", metavar="NAME", help="the Google Cloud project")
    parser.add_argument("--location", metavar="NAME", help="the region of Vertex AI")
    parser.add_argument("--base-url", metavar="URL", help="another upstream")
    parser.add_argument(
        "--proxy", metavar="URL", type=secrets.proxy, help=f"a URL without a password, or {secrets.WORDS}"
    )
    parser.add_argument("--client-id", metavar="ID", help="of your own OAuth client, beside refresh tokens")
    parser.add_argument("--client-secret", metavar="SECRET", type=secrets.named, help=secrets.WORDS)
    parser.add_argument("--token-url", metavar="URL", help="where refresh tokens are exchanged, when not at Google")
    parser.add_argument("--weight", metavar="N", type=float, help="its share of the turns")
    parser.add_argument("--priority", metavar="N", type=int, help="higher ones are asked first")
    parser.add_argument("--model", metavar="PATTERN", action="append", help="what it may be asked for; may be repeated")


def add(options: argparse.Namespace) -> int:
    """Add an account and return the exit status: 1 where it cannot be, 2 where something is missing."""
    try:
        document = _document(options)
    except CannotAdd as error:
        complain(error)
        return USAGE
    try:
        writer = Writer.of(Surroundings.of(options))
        path, account_id = writer.add(document)
        taken = writer.reload([path])
    except CannotAdd as error:
        return complain(error)
    if options.json:
        print_json({"id": account_id, "email": options.email, "file": path, "taken": taken})
    else:
        then = "the daemon has taken it" if taken else "no daemon runs here: it is taken at the next start"
        print(f"{options.email or account_id} is in {path}; {then}")
    return 0


def _document(options: argparse.Namespace) -> dict[str, Any]:
    """Return the account's table; ask for what is missing. Raises ``CannotAdd`` where nobody can be asked."""
    if options.email is None and options.id is None and sys.stdin.isatty():
        options.email = input("email (a name for the account; may be empty): ").strip() or None
    document = plain_of(options)
    if options.max_concurrency is not None:
        document["max_concurrency"] = options.max_concurrency
    ways = (options.api_key, options.service_account, options.refresh_token, options.default_credentials)
    if not any(ways):
        if not sys.stdin.isatty():
            ways_words = "--api-key, --service-account, --refresh-token or --default-credentials"
            raise CannotAdd(f"what proves the account? say {ways_words}")
        options.api_key = secrets.ASKED
    if options.default_credentials:
        document["credentials"] = "default"
    if options.service_account is not None:
        document["service_account"] = text_of(options.service_account)
    return {**document, **secrets_of(options)}


def plain_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the keys that the options give and that are no secrets."""
    given = {key: getattr(options, key, None) for key in _PLAIN}
    given["models"] = options.model
    return {key: value for key, value in given.items() if value is not None}


def secrets_of(options: argparse.Namespace) -> Mapping[str, str]:
    """Return the keys that are secrets, those that are to be asked for asked for."""
    found = {}
    for key, words in _SECRETS.items():
        value = getattr(options, key, None)
        if value is not None:
            found[key] = secrets.read_secret(words) if value == secrets.ASKED else value
    return found


def text_of(path: str) -> str:
    """Read a file that an option names. Raises ``CannotAdd``."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise CannotAdd(f"{path}: {error.strerror}") from None
    except ValueError:
        raise CannotAdd(f"{path}: not text in UTF-8") from None
