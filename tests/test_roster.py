"""From the configuration's accounts to the pool's, and what only their users can find wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from agd import roster
from agd.accounts.account import Account
from agd.accounts.credentials import ApiKey, DefaultCredentials, RefreshToken, ServiceAccount
from agd.accounts.way import STRAIGHT, Proxy, WayOut
from agd.errors import ConfigurationError, ConfigurationProblem
from agd.launch import Launch, prepare
from agd.roster import accounts_of, rereader
from tests.accounts.keys import EMAIL, pair, service_account_json
from tests.private import write_private
from tests.upstream.secure_host import certificate

TOKENS = "https://tokens.example/token"
OAUTH = "client_id = 'c'\nclient_secret = 'made-up-secret'\nrefresh_token = 'file:refresh'\n"


class RosterTestCase(SynchronousTestCase):
    """A folder with a configuration and the files that it names."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.write("sa.json", service_account_json(TOKENS))
        self.write("refresh", "made-up-refresh\n")
        self.write("key", "made-up-key\n")
        self.write("ca.pem", certificate())

    def write(self, name: str, text: str) -> None:
        """Write a file for the owner only."""
        write_private(self.folder / name, text)

    def launch(self, *accounts: str) -> Launch:
        """Read a configuration of these accounts."""
        self.write("agd.toml", "".join(f"[[accounts]]\n{each}\n" for each in accounts))
        return prepare(str(self.folder / "agd.toml"), environ={"HOME": str(self.folder.absolute())})

    def accounts(self, *accounts: str) -> tuple[Account, ...]:
        """Make the pool's accounts."""
        return accounts_of(self.launch(*accounts).settings)

    def problems(self, *accounts: str) -> list[ConfigurationProblem]:
        """Return what is wrong."""
        error = self.assertRaises(ConfigurationError, self.launch, *accounts)
        return list(error.problems)


class AccountTests(RosterTestCase):
    """What is made of a table."""

    def test_gemini(self) -> None:
        """A key is an account of the Gemini API, with the id that it always had."""
        [one] = self.accounts("api_key = 'file:key'\nemail = 'a@example.com'")
        url = "https://generativelanguage.googleapis.com"
        self.assertEqual(one, Account.of_key("a@example.com", url, "made-up-key"))
        self.assertEqual((one.kind, one.credential, one.way), ("gemini", ApiKey("made-up-key"), STRAIGHT))

    def test_K09_vertex(self) -> None:
        """A service account is asked in its own project, globally or at the host of its region."""
        everywhere, there = self.accounts(
            "kind = 'vertex'\nservice_account = 'file:sa.json'",
            "kind = 'vertex'\nservice_account = 'file:sa.json'\nlocation = 'europe-west4'\nproject = 'mine'",
        )
        self.assertEqual(everywhere.credential, ServiceAccount(EMAIL, pair()[0], "key-1", TOKENS))
        self.assertEqual((everywhere.project, everywhere.location), ("project-of-the-file", "global"))
        self.assertEqual(everywhere.base_url, "https://aiplatform.googleapis.com")
        self.assertEqual((there.project, there.base_url), ("mine", "https://europe-west4-aiplatform.googleapis.com"))
        self.assertNotEqual(everywhere.id, there.id)

    def test_code_assist(self) -> None:
        """A refresh token comes with the operator's client; the project of Code Assist may be left to be looked up."""
        [one] = self.accounts(f"kind = 'code-assist'\n{OAUTH}")
        self.assertEqual(one.credential, RefreshToken("c", "made-up-secret", "made-up-refresh"))
        self.assertEqual((one.base_url, one.project), ("https://cloudcode-pa.googleapis.com", ""))

    def test_default_credentials(self) -> None:
        """What Google's library finds is an account too."""
        [one] = self.accounts("kind = 'vertex'\ncredentials = 'default'\nproject = 'p'")
        self.assertEqual(one.credential, DefaultCredentials())

    def test_own_id_and_address(self) -> None:
        """An id and an upstream of the account's own are taken as they are."""
        [one] = self.accounts("id = 'first'\nkind = 'vertex'\napi_key = 'file:key'\nbase_url = 'http://here/'")
        self.assertEqual((one.id, one.base_url), ("first", "http://here"))

    def test_way_out(self) -> None:
        """Proxy and certificates make the way out."""
        [one] = self.accounts("api_key = 'file:key'\nproxy = 'socks5://u:p@h:9'\nca = 'file:ca.pem'")
        self.assertEqual(one.way, WayOut(Proxy("socks5", "h", 9, "u", "p"), certificate()))


class ProblemTests(RosterTestCase):
    """What the tables cannot see."""

    def test_key_that_cannot_sign(self) -> None:
        """A service account whose key is none is found before anything is asked, and not quoted."""
        self.write("sa.json", service_account_json(TOKENS, private_key="made-up-private"))
        [told] = self.problems("kind = 'vertex'\nservice_account = 'file:sa.json'")
        self.assertEqual(told.path, "accounts[0].service_account")
        self.assertNotIn("made-up", str(told))

    def test_no_project(self) -> None:
        """A service account's file without a project needs one in the table, at Vertex AI."""
        self.write("sa.json", service_account_json(TOKENS, project_id=""))
        [told] = self.problems("kind = 'vertex'\nservice_account = 'file:sa.json'")
        self.assertEqual(told.path, "accounts[0].project")
        self.launch("service_account = 'file:sa.json'")

    def test_certificates(self) -> None:
        """Certificates that cannot be read are found."""
        self.write("ca.pem", "-----BEGIN CERTIFICATE-----\nmade up\n-----END CERTIFICATE-----\n")
        self.assertEqual(self.problems("api_key = 'file:key'\nca = 'file:ca.pem'")[0].path, "accounts[0].ca")

    def test_missing_library(self) -> None:
        """Without the extra, an account that needs Google's library is told how to get it."""
        for missing in (lambda _name: None, lambda name: __import__("no_such_module_" + name[:6])):
            self.patch(roster, "find_spec", missing)
            [told] = self.problems("kind = 'vertex'\ncredentials = 'default'\nproject = 'p'")
            self.assertIn("agd[google]", told.allowed)


class RereadTests(RosterTestCase):
    """Credentials that are replaced in their files while agd runs."""

    def test_replaced(self) -> None:
        """Each kind of file is read again when it was refused, and gives the account with what it holds now."""
        launch = self.launch(
            "api_key = 'file:key'",
            f"kind = 'code-assist'\n{OAUTH}",
            "kind = 'vertex'\nservice_account = 'file:sa.json'",
        )
        reread = rereader(launch.settings, launch.reading)
        key, refresh, robot = accounts_of(launch.settings)
        self.assertEqual([reread(each) for each in (key, refresh, robot)], [None] * 3)
        self.write("key", "made-up-new")
        self.write("refresh", "made-up-new")
        self.write("sa.json", service_account_json(TOKENS, 1))
        for old in (key, refresh, robot):
            fresh = reread(old)
            assert fresh is not None
            self.assertEqual(fresh.id, old.id)
            self.assertNotEqual(fresh.credential, old.credential)

    def test_not_from_a_file(self) -> None:
        """What stands in the configuration itself is not looked up, and a stranger is nobody."""
        launch = self.launch("api_key = 'made-up'")
        reread = rereader(launch.settings, launch.reading)
        self.assertIsNone(reread(accounts_of(launch.settings)[0]))
        self.assertIsNone(reread(Account.of_key("x", "y", "z")))

    def test_exposed_meanwhile(self) -> None:
        """A file that everybody can read by then is no good, new as it may be."""
        launch = self.launch("api_key = 'file:key'")
        reread = rereader(launch.settings, launch.reading)
        self.write("key", "made-up-new")
        (self.folder / "key").chmod(0o644)
        self.assertIsNone(reread(accounts_of(launch.settings)[0]))


class FileTests(RosterTestCase):
    """Real files and their modes."""

    def test_exposed(self) -> None:
        """A real file that everybody can read is refused by its mode; one that the group can read is taken."""
        (self.folder / "sa.json").chmod(0o644)
        [told] = self.problems("kind = 'vertex'\nservice_account = 'file:sa.json'")
        self.assertIn("0644", told.found)
        (self.folder / "sa.json").chmod(0o640)
        self.launch("kind = 'vertex'\nservice_account = 'file:sa.json'")

    def test_exposed_configuration(self) -> None:
        """So is a configuration with a key in it."""
        file = self.folder / "agd.toml"
        self.write("agd.toml", "[[accounts]]\napi_key = 'made-up'\n")
        file.chmod(0o644)
        error = self.assertRaises(ConfigurationError, prepare, str(file), environ={"HOME": str(self.folder.absolute())})
        self.assertEqual([each.path for each in error.problems], ["file"])
        prepare(str(file), environ={"HOME": str(self.folder.absolute()), "CREDENTIALS_DIRECTORY": str(self.folder)})

    def test_json_is_what_it_was(self) -> None:
        """The helper writes what Google's console gives out."""
        self.assertEqual(json.loads(service_account_json(TOKENS))["type"], "service_account")
