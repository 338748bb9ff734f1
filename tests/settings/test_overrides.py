"""What overrides what: defaults, file, environment, options."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.settings import ENVIRONMENT, Override, settings_of
from agd.settings.tables import Proxy, Upstream
from tests.settings.configurations import key_of, problem, problems, read


class EnvironmentTests(SynchronousTestCase):
    """Variables above the file."""

    def test_every_variable(self) -> None:
        """Each variable overrides its key of the file."""
        text = '[proxy]\nport = 1\nauth_mode = "off"\ndefault_model = "a"\n[upstream]\nbase_url = "http://a"\n'
        settings = read(
            text,
            {
                "AGD_PORT": "2",
                "AGD_ALLOW_LAN_ACCESS": "true",
                "AGD_AUTH_MODE": "strict",
                "AGD_API_KEY": "made-up",
                "AGD_DEFAULT_MODEL": "b",
                "AGD_BASE_URL": "http://b/",
            },
        )
        proxy = settings.proxy
        self.assertEqual((proxy.port, proxy.allow_lan_access, proxy.auth_mode), (2, True, "strict"))
        self.assertEqual((proxy.default_model, settings.upstream.base_url), ("b", "http://b"))
        [client] = settings.client_keys
        self.assertEqual((client.key.reveal(), client.key.source), ("made-up", "env:AGD_API_KEY"))

    def test_table_names_keys(self) -> None:
        """Every variable of the table overrides a key that exists."""
        tables = {"proxy": Proxy, "upstream": Upstream}
        for table, key in ENVIRONMENT.values():
            self.assertIn(key, settings_of(tables[table]))

    def test_empty_is_not_set(self) -> None:
        """An empty variable leaves the file alone."""
        self.assertEqual(read("proxy.port = 1", {"AGD_PORT": ""}).proxy.port, 1)

    def test_booleans(self) -> None:
        """A boolean is written in any of the usual ways."""
        for text, value in (("1", True), ("ON", True), ("yes", True), ("0", False), ("off", False), ("No", False)):
            self.assertIs(read("", {"AGD_ALLOW_LAN_ACCESS": text}).proxy.allow_lan_access, value)

    def test_same_checks(self) -> None:
        """A wrong value is a problem that names the variable and not the file's key."""
        found = problem("proxy.port = 1", {"AGD_PORT": "65536"})
        self.assertEqual((found.path, found.found), ("env:AGD_PORT", "65536 (an integer)"))
        self.assertEqual(problem("", {"AGD_PORT": "many"}).found, '"many" (a string)')
        self.assertEqual(problem("", {"AGD_ALLOW_LAN_ACCESS": "maybe"}).allowed, "true or false")

    def test_with_problems_of_the_file(self) -> None:
        """Problems of environment and file are told together."""
        found = problems("retry.max_attempts = 0", {"AGD_PORT": "x"})
        self.assertEqual([each.path for each in found], ["env:AGD_PORT", "retry.max_attempts"])

    def test_file_value_replaced(self) -> None:
        """What the environment replaces is not looked at."""
        self.assertEqual(read("proxy.port = 'x'", {"AGD_PORT": "2"}).proxy.port, 2)

    def test_broken_table(self) -> None:
        """A file whose table is no table is a problem all the same."""
        self.assertEqual(problem("proxy = 5", {"AGD_PORT": "2"}).path, "proxy")

    def test_client_key_replaces_both_forms(self) -> None:
        """A client key of the environment takes the place of the file's list of keys."""
        settings = read('proxy.api_keys = [{name = "ann", key = "a"}]', {"AGD_API_KEY": "made-up"})
        self.assertEqual([each.name for each in settings.client_keys], ["default"])

    def test_client_key_by_reference(self) -> None:
        """A client key of the environment may itself refer to a file."""
        settings = read("", {"AGD_API_KEY": "file:/key"}, {"/key": "made-up\n"})
        self.assertEqual(settings.client_keys[0].key.source, "file:/key")


class OptionTests(SynchronousTestCase):
    """Options above everything."""

    def test_precedence(self) -> None:
        """An option overrides environment and file, and names itself in a problem."""
        option = Override("--port", "proxy", "port", "3")
        self.assertEqual(read("proxy.port = 1", {"AGD_PORT": "2"}, overrides=[option]).proxy.port, 3)
        [found] = problems("", overrides=[Override("--port", "proxy", "port", "x")])
        self.assertEqual(found.path, "--port")

    def test_seconds(self) -> None:
        """Seconds can be given as text."""
        option = Override("--drain", "proxy", "drain_seconds", "1.5")
        self.assertEqual(read("", overrides=[option]).proxy.drain_seconds, 1.5)


class AccountTests(SynchronousTestCase):
    """The account of the environment."""

    def test_file_without_accounts(self) -> None:
        """A file that has no accounts gets the one of the environment."""
        [only] = read("proxy.port = 1", {"GEMINI_API_KEY": "made-up"}).accounts
        self.assertEqual(key_of(only).source, "env:GEMINI_API_KEY")

    def test_file_with_accounts(self) -> None:
        """Accounts of the file, even an empty list of them, are all there is."""
        environ = {"GEMINI_API_KEY": "made-up"}
        [only] = read('[[accounts]]\napi_key = "k"', environ).accounts
        self.assertEqual(key_of(only).reveal(), "k")
        self.assertEqual(read("accounts = []", environ).accounts, ())

    def test_wrong_key(self) -> None:
        """A key of the environment that cannot be sent is a problem that names its variable."""
        self.assertIn("GEMINI_API_KEY", problem("", {"GEMINI_API_KEY": "a\nb"}).found)
