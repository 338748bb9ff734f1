"""``agd accounts import``: many accounts at once, from service accounts' files and lists of keys.

A list has a key on each line, an address before it where there is one; empty lines and those that begin with ``#`` are
passed over. A refresh token is of use only to the OAuth client that it was given to, and agd has none of its own: it is
taken with the operator's client only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

from agd.cli import secrets
from agd.cli.adding import add_common, plain_of, secrets_of, text_of
from agd.cli.documents import CannotAdd, Writer
from agd.cli.socket import complain
from agd.cli.surroundings import Surroundings, add_surroundings
from agd.cli.tables import print_json, print_table, watched

_NEEDS_CLIENT = (
    "a refresh token works only with the OAuth client that it was given to: say --client-id and --client-secret of "
    "your own; agd has none, and uses nobody else's"
)


def add_importing(actions: Any) -> None:
    """Add ``import`` to the commands of ``agd accounts``."""
    importing = actions.add_parser(
        "import",
        help="add many accounts: service accounts' JSON files, lists of keys",
        description="Add the accounts of files; those that are there already are passed over. Exit status 1: not all.",
    )
    importing.add_argument(
        "file", nargs="+", metavar="FILE", help="JSON, or a list: [EMAIL] KEY on each line; -: stdin"
    )
    add_common(importing)
    add_surroundings(importing)


@frozen
class Found:
    """One account of a file: where it stands, and its table, or why it cannot be taken."""

    where: str
    document: Mapping[str, Any] = field(factory=dict, repr=False)
    problem: str = ""


@define
class Summary:
    """What became of all: a place and a word for each, and the files that were written."""

    rows: list[tuple[str, str, str]] = field(factory=list)
    paths: list[str] = field(factory=list)

    def note(self, where: str, outcome: str, words: str) -> None:
        """Remember one: ``added``, ``skipped`` or ``refused``."""
        self.rows.append((where, outcome, words))

    def count(self, outcome: str) -> int:
        """Count an outcome."""
        return sum(each == outcome for _, each, _ in self.rows)


def import_(options: argparse.Namespace) -> int:
    """Import and return the exit status: 1 where something was refused."""
    try:
        client = secrets_of(options)
        writer = Writer.of(Surroundings.of(options))
        found = [each for path in options.file for each in _read(path, {**plain_of(options), **client})]
        summary = _add_all(writer, found)
        taken = writer.reload(summary.paths) if summary.paths else False
    except CannotAdd as error:
        return complain(error)
    _show(summary, taken=taken, as_json=options.json)
    return 1 if summary.count("refused") or not summary.rows else 0


def _add_all(writer: Writer, found: list[Found]) -> Summary:
    summary = Summary()
    for each in watched(found, "adding"):
        if each.problem:
            summary.note(each.where, "refused", each.problem)
            continue
        try:
            path, account_id = writer.add(each.document)
        except CannotAdd as error:
            summary.note(each.where, "skipped" if error.known else "refused", str(error))
            continue
        summary.paths.append(path)
        summary.note(each.where, "added", str(each.document.get("email") or account_id))
    return summary


def _show(summary: Summary, *, taken: bool, as_json: bool) -> None:
    counts = {outcome: summary.count(outcome) for outcome in ("added", "skipped", "refused")}
    if as_json:
        rows = [{"where": where, "outcome": outcome, "words": words} for where, outcome, words in summary.rows]
        print_json({**counts, "taken": taken, "accounts": rows})
        return
    print_table(("WHERE", "OUTCOME", "WHAT"), summary.rows)
    then = "" if not summary.paths else "; the daemon has taken them" if taken else "; taken at the next start"
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + then)


# ---------------------------------------------------------------------- reading


def _read(path: str, options: Mapping[str, Any]) -> Iterator[Found]:
    """Read a file. Raises ``CannotAdd`` for one that cannot be read."""
    text = sys.stdin.read() if path == secrets.ASKED else text_of(path)
    if text.lstrip()[:1] in {"{", "["}:
        yield from _from_json(path, text, options)
    else:
        yield from _from_lines(path, text, options)


def _from_json(path: str, text: str, options: Mapping[str, Any]) -> Iterator[Found]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        yield Found(path, problem="not JSON")
        return
    several = isinstance(document, list)
    for index, each in enumerate(document if several else [document]):
        where = f"{path}[{index}]" if several else path
        yield _from_object(where, each, options)


def _from_object(where: str, given: Any, options: Mapping[str, Any]) -> Found:
    if not isinstance(given, dict):
        return Found(where, problem="not an object")
    if given.get("type") == "service_account":
        kept = {key: value for key, value in options.items() if key not in {"client_id", "client_secret", "token_url"}}
        named = {"email": given["client_email"]} if isinstance(given.get("client_email"), str) else {}
        return Found(where, {"kind": "vertex", **kept, **named, "service_account": json.dumps(given)})
    token = given.get("refresh_token")
    if isinstance(token, str):
        email = given.get("email")
        foreign = given.get("client_id", options.get("client_id"))
        if options.get("client_id") is not None and foreign != options["client_id"]:
            return Found(where, problem="its refresh token was given to another OAuth client than --client-id")
        return _from_token(where, token, email if isinstance(email, str) else None, options)
    return Found(where, problem="neither a service account nor a refresh token")


def _from_lines(path: str, text: str, options: Mapping[str, Any]) -> Iterator[Found]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{path}:{number}"
        if len(words) > 2:
            yield Found(where, problem="more than an address and a key")
            continue
        email = words[0] if len(words) == 2 else None
        if words[-1].startswith("1//"):  # as Google's refresh tokens begin
            yield _from_token(where, words[-1], email, options)
            continue
        kept = {key: value for key, value in options.items() if key not in {"client_id", "client_secret", "token_url"}}
        yield Found(where, {**kept, **_named(email), "api_key": words[-1]})


def _from_token(where: str, token: str, email: str | None, options: Mapping[str, Any]) -> Found:
    if "client_id" not in options or "client_secret" not in options:
        return Found(where, problem=_NEEDS_CLIENT)
    return Found(where, {**options, **_named(email), "refresh_token": token})


def _named(email: str | None) -> Mapping[str, str]:
    return {} if email is None else {"email": email}
