"""Accounts as they are written into files."""

from __future__ import annotations

import argparse
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.cli import secrets
from agd.cli.documents import written
from agd.cli.importing import Found, _from_json, _from_lines

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: Any = st.one_of(
    TEXTS, st.integers(-1000, 1000), st.floats(allow_nan=False, allow_infinity=False), st.lists(TEXTS)
)
CLIENT = {"client_id": "mine", "client_secret": "env:CLIENT_SECRET"}


class WrittenTests(SynchronousTestCase):
    """``written``."""

    @given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES))
    def test_round_trip(self, document: dict[str, Any]) -> None:
        """Whatever is written is read back the same by TOML's own reader."""
        self.assertEqual(tomllib.loads(written(document)), document)

    def test_table(self) -> None:
        """So is a table of numbers."""
        document = {"limits": {"gemini-*-pro*": 2, 'a "b"': 1}}
        self.assertEqual(tomllib.loads(written(document)), document)


class SecretTests(SynchronousTestCase):
    """Secrets as options."""

    def test_named(self) -> None:
        """A secret is named by variable, file or standard input, a file by its whole path."""
        self.assertEqual([secrets.named(text) for text in ("env:KEY", "-")], ["env:KEY", "-"])
        self.assertTrue(secrets.named("file:a.key").startswith("file:/"))

    def test_literal(self) -> None:
        """A secret that is written out is refused, and not repeated; so is a proxy's password."""
        for taken, text in ((secrets.named, "made-up-key"), (secrets.proxy, "http://u:made-up@proxy:1")):
            error = self.assertRaises(argparse.ArgumentTypeError, taken, text)
            self.assertNotIn("made-up", str(error))
        self.assertEqual(secrets.proxy("http://proxy:1"), "http://proxy:1")


class ImportTests(SynchronousTestCase):
    """What is found in files."""

    def lines(self, text: str, **options: str) -> list[Found]:
        """Read a list."""
        return list(_from_lines("keys", text, options))

    def json(self, text: str, **options: str) -> list[Found]:
        """Read JSON."""
        return list(_from_json("f.json", text, options))

    def test_lines(self) -> None:
        """A key stands on each line, an address before it where there is one; options go for all."""
        first, second = self.lines("# keys\n\nmade-up-1\nann@example.com  made-up-2\n", kind="vertex")
        self.assertEqual(first, Found("keys:3", {"kind": "vertex", "api_key": "made-up-1"}))
        self.assertEqual(second.document["email"], "ann@example.com")
        [bad] = self.lines("made up 3")
        self.assertIn("more than", bad.problem)

    def test_service_accounts(self) -> None:
        """A service account's file is copied whole, as an account of Vertex AI named by its own address."""
        text = '{"type": "service_account", "client_email": "robot@p.example", "private_key": "made-up"}'
        [found] = self.json(text)
        self.assertEqual((found.document["kind"], found.document["email"]), ("vertex", "robot@p.example"))
        self.assertIn("made-up", found.document["service_account"])
        self.assertNotIn("made-up", repr(found))
        self.assertEqual(len(self.json(f"[{text}, {text}]")), 2)

    def test_refresh_tokens(self) -> None:
        """Refresh tokens are taken with the operator's own client, and no other's."""
        for found in (*self.lines("1//made-up"), *self.json('{"refresh_token": "1//made-up", "client_id": "theirs"}')):
            self.assertIn("agd has none, and uses nobody else's", found.problem)
        [found] = self.lines("ann@example.com 1//made-up", **CLIENT)
        self.assertEqual(found.document, {**CLIENT, "email": "ann@example.com", "refresh_token": "1//made-up"})
        [found] = self.json('{"refresh_token": "1//made-up", "client_id": "theirs"}', **CLIENT)
        self.assertIn("another OAuth client", found.problem)

    def test_other_things(self) -> None:
        """What is neither is told as such."""
        for text in ("{", "[1]", '{"type": "other"}'):
            [found] = self.json(text)
            self.assertTrue(found.problem)
