"""deploy/agd.toml.example: valid, complete, and true about the defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from agd.settings import Account, Patience, Scheduling, Settings, settings_of
from agd.settings.structure import TableOf
from tests.settings.configurations import problems, read

TEXT = (Path(__file__).parents[2] / "deploy" / "agd.toml.example").read_text("utf-8")
ENVIRON = dict.fromkeys(("GEMINI_API_KEY", "AGD_CLIENT_KEY", "ANN_KEY"), "made-up")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nmade up\n-----END CERTIFICATE-----\n"
SERVICE_ACCOUNT = '{"type": "service_account", "client_email": "a@b.example", "private_key": "made-up"}'
FILES = {
    "/etc/agd/bob.key": "made-up\n",
    "/etc/agd/client.secret": "made-up\n",
    "/etc/agd/refresh.token": "made-up\n",
    "/etc/agd/service-account.json": SERVICE_ACCOUNT,
    "/etc/agd/ca.pem": CERTIFICATE,
}
COMMENTED = re.compile(r'^#(?=["a-z\[])', re.MULTILINE)


class ExampleTests(SynchronousTestCase):
    """The example configuration."""

    def test_valid(self) -> None:
        """As it stands it is valid, and its values are the defaults."""
        settings = read(TEXT, ENVIRON)
        self.assertEqual(len(settings.accounts), 1)
        self.assertEqual(attrs.evolve(settings, accounts=()), Settings())

    def test_commented_keys_are_valid(self) -> None:
        """With every commented key in force it is valid, but for the two forms of client keys."""
        everything = COMMENTED.sub("", TEXT)
        self.assertEqual([each.path for each in problems(everything, ENVIRON, FILES)], ["proxy.api_keys"])
        settings = read(re.sub(r"^api_key = .env:AGD_CLIENT_KEY.$", "", everything, flags=re.MULTILINE), ENVIRON, FILES)
        self.assertEqual([each.name for each in settings.client_keys], ["ann", "bob"])
        self.assertEqual(settings.accounts[0].email, "first@example.com")

    def test_complete(self) -> None:
        """Every key of every table appears in it."""
        document = tomllib.loads(COMMENTED.sub("", TEXT))
        for name, setting in settings_of(Settings).items():
            if isinstance(setting.kind, TableOf):
                self.assertEqual(set(document[name]), set(settings_of(setting.kind.table)))
        self.assertEqual(set(document["proxy"]["scheduling"]), set(settings_of(Scheduling)))
        self.assertEqual({key for account in document["accounts"] for key in account}, set(settings_of(Account)))
        self.assertEqual(set(document), set(settings_of(Settings)))


class DocumentationTests(SynchronousTestCase):
    """What the tables say about themselves."""

    def test_every_field_is_documented(self) -> None:
        """Every field of the tables has a kind with words, and a sentence."""
        tables = [Settings, Account, Patience, Scheduling]
        tables += [each.kind.table for each in settings_of(Settings).values() if isinstance(each.kind, TableOf)]
        for table in tables:
            settings = settings_of(table)
            self.assertEqual(list(settings), [each.name for each in attrs.fields(table)])
            for setting in settings.values():
                self.assertTrue(setting.doc.endswith("."))
                self.assertTrue(setting.kind.allowed)
