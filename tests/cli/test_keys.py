"""``agd keys`` on a store that no daemon has open. Over the socket of a daemon: ``tests.e2e.test_keys``."""

from __future__ import annotations

import json
import time
from pathlib import Path

from agd.keys.key import digest_of
from agd.store.clients import read_all
from agd.store.database import open_database
from tests.cli.test_main import CommandTestCase


class KeysTests(CommandTestCase):
    """Creating, listing, revoking."""

    def setUp(self) -> None:
        super().setUp()
        self.database = Path(self.mktemp()).absolute()
        self.config = self.file(f'[proxy]\nauth_mode = "strict"\n[store]\npath = "{self.database}"\n')

    def keys(self, *arguments: str) -> str:
        """Run the command, which succeeds, and return what it printed."""
        self.out.truncate(0)
        self.out.seek(0)
        self.assertEqual(self.agd("keys", *arguments, "--config", self.config), 0, self.err.getvalue())
        return self.out.getvalue()

    def test_create(self) -> None:
        """The key alone goes to stdout, and its digest with all terms into the store."""
        before = time.time()
        terms = ["--rpm", "5", "--tpm", "900", "--concurrency", "2", "--budget", "7/day", "--models", "a*, b"]
        key = self.keys("create", "ann", "--expires", "30d", *terms).strip()
        self.assertIn("not shown again", self.err.getvalue())
        database = open_database(str(self.database))
        [kept] = database.ask(read_all).keys
        database.close()
        self.assertEqual((kept.name, kept.digest), ("ann", digest_of(key)))
        allowance = kept.allowance
        self.assertEqual(
            (allowance.rpm, allowance.tpm, allowance.concurrency, allowance.models), (5, 900, 2, ("a*", "b"))
        )
        assert allowance.expires is not None
        self.assertTrue(0 <= allowance.expires - before - 30 * 86400 <= time.time() - before)

    def test_json(self) -> None:
        """For scripts everything is JSON on stdout, and nothing else is said."""
        made = json.loads(self.keys("create", "ann", "--json", "--expires", "2030-01-31T12:00+01:00"))
        self.assertEqual((made["name"], made["expires"]), ("ann", 1896087600.0))
        [listed] = json.loads(self.keys("list", "--json"))["keys"]
        self.assertEqual(made, {**listed, "key": made["key"], "warnings": []})
        self.assertEqual(json.loads(self.keys("revoke", "ann", "--json"))["status"], "revoked")
        self.assertEqual(self.err.getvalue(), "")

    def test_table(self) -> None:
        """The list is a table for people, without any key in it."""
        key = self.keys("create", "ann", "--quiet", "--budget", "7/day", "--expires", "2030-01-31").strip()
        table = self.keys("list")
        for words in ("NAME", "ann", "active", "2030-01-31 00:00Z", "0 of 7/day", "store"):
            self.assertIn(words, table)
        self.assertNotIn(key, table)
        self.assertEqual(self.keys("revoke", "ann"), "ann is revoked\n")

    def test_ages_away(self) -> None:
        """A key of the configuration may end in a year that has no date in UTC; one of the store may not."""
        self.assertEqual(
            self.agd("keys", "create", "ann", "--expires", "9999-12-31T23:00-14:00", "--config", self.config), 1
        )
        with open(self.config, "a", encoding="utf-8") as file:
            file.write('[[proxy.api_keys]]\nname = "eve"\nkey = "made-up"\nexpires = 9999-12-31T23:00:00-14:00\n')
        self.assertIn("after 9999", self.keys("list"))

    def test_warning(self) -> None:
        """A key for an agd that asks for none is of no use, and that is said."""
        self.config = self.file(f'[store]\npath = "{self.database}"\n')
        self.keys("create", "ann")
        self.assertIn("auth_mode", self.err.getvalue())

    def test_wrong(self) -> None:
        """What cannot be is told in a sentence, and makes no key."""
        for arguments in (
            ("--rpm", "0"), ("--rpm", "x"), ("--budget", "5/week"), ("--expires", "soon"), ("--models", ","),
        ):  # fmt: skip
            self.assertEqual(self.agd("keys", "create", "ann", *arguments, "--config", self.config), 2, arguments)
        self.assertEqual(self.agd("keys", "create", "a b", "--config", self.config), 1)
        self.assertEqual(self.agd("keys", "revoke", "eve", "--config", self.config), 1)
        self.assertEqual(self.agd("keys", "list", "--config", "/nowhere"), 1)
        self.assertEqual(json.loads(self.keys("list", "--json")), {"keys": []})

    def test_nowhere_to_keep(self) -> None:
        """Without a daemon and without a store there is nothing that a key could be kept in."""
        config = self.file('[store]\npath = "off"\n')
        self.assertEqual(self.agd("keys", "create", "ann", "--config", config), 1)
        self.assertIn("kept nowhere", self.err.getvalue())
