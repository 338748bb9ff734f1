"""What proves an account in the configuration, what is missing beside it, and who else could read it."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import ConfigurationError, ConfigurationProblem
from agd.settings import Settings, read_settings, warnings
from agd.settings.exposure import is_exposed
from tests.settings.configurations import SOURCE, problem, problems, read

FILE = {"type": "service_account", "client_email": "robot@a.example", "private_key": "HUSH\nHUSH", "project_id": "own"}
FILES = {"/etc/agd/sa.json": json.dumps(FILE)}


def account(*lines: str) -> str:
    """Write the table of an account."""
    return "[[accounts]]\n" + "\n".join(lines) + "\n"


OAUTH = ("client_id = 'c'", "client_secret = 'HUSH'", "refresh_token = 'HUSH'")


class GoodTests(SynchronousTestCase):
    """Accounts that say all that is needed."""

    def test_service_account(self) -> None:
        """The JSON file of a service account is read as far as it is used; its key shows in no repr."""
        [one] = read(account("kind = 'vertex'", "service_account = 'file:sa.json'"), files=FILES).accounts
        assert one.service_account is not None
        self.assertEqual((one.service_account.client_email, one.service_account.project), ("robot@a.example", "own"))
        self.assertEqual(one.service_account.private_key.reveal(), "HUSH\nHUSH")
        self.assertNotIn("HUSH", repr(one))

    def test_from_the_environment(self) -> None:
        """The JSON may stand in a variable."""
        [one] = read(account("service_account = 'env:SA'"), {"SA": json.dumps(FILE)}).accounts
        assert one.service_account is not None
        self.assertEqual(one.service_account.source, "env:SA")

    def test_every_way(self) -> None:
        """Each way to prove an account is enough by itself, in the kinds that take it."""
        for lines in (
            ("api_key = 'k'",),
            ("kind = 'vertex'", "api_key = 'k'"),
            ("kind = 'vertex'", "api_key = 'k'", "project = 'p'", "location = 'us-central1'"),
            OAUTH,
            (*OAUTH, "kind = 'vertex'", "project = 'p'"),
            (*OAUTH, "kind = 'code-assist'", "token_url = 'https://tokens.example/x'"),
            ("credentials = 'default'", "kind = 'vertex'", "project = 'p'"),
            ("service_account = 'file:sa.json'", "kind = 'code-assist'"),
        ):
            self.assertEqual(problems(account(*lines), files=FILES), (), lines)

    def test_way_out(self) -> None:
        """Proxies and certificates are read; a proxy that holds a password shows in no repr."""
        pem = "-----BEGIN CERTIFICATE-----\nx"
        text = account("api_key = 'k'", "proxy = 'socks5://user:HUSH@[::1]:1080'", "ca = 'file:ca.pem'")
        [one] = read(text, files={"/etc/agd/ca.pem": pem}).accounts
        assert one.proxy is not None
        self.assertEqual((one.proxy.reveal(), one.ca), ("socks5://user:HUSH@[::1]:1080", pem))
        self.assertNotIn("HUSH", repr(one))


class MissingTests(SynchronousTestCase):
    """What ``agd check`` says is missing, or too much."""

    def found(self, *lines: str) -> list[str]:
        """Return the keys of what is wrong with one account."""
        told = problems(account(*lines), files=FILES)
        for each in told:
            self.assertNotIn("HUSH", str(each))
        return [each.path.removeprefix("accounts[0].") for each in told]

    def test_nothing(self) -> None:
        """An account that nothing proves is told all the ways."""
        told = problem(account("email = 'a@example.com'"))
        self.assertEqual(told.path, "accounts[0].api_key")
        for way in ("api_key", "service_account", 'credentials = "default"', "refresh_token"):
            self.assertIn(way, told.allowed)

    def test_half_a_client(self) -> None:
        """A refresh token needs the operator's own client: agd has none."""
        self.assertEqual(self.found("refresh_token = 'HUSH'"), ["client_id", "client_secret"])
        told = problem(account("client_id = 'c'", "client_secret = 'HUSH'"))
        self.assertIn("no OAuth client of its own", told.allowed)

    def test_too_much(self) -> None:
        """Two ways to prove one account are a mistake, and so is a token endpoint without anything to exchange."""
        self.assertEqual(self.found("api_key = 'HUSH'", *OAUTH), ["client_id"])
        self.assertEqual(self.found("api_key = 'HUSH'", "service_account = 'file:sa.json'"), ["service_account"])
        self.assertEqual(self.found("api_key = 'HUSH'", "token_url = 'http://t.example'"), ["token_url"])

    def test_by_kind(self) -> None:
        """Each kind is told what it wants."""
        self.assertEqual(self.found("kind = 'code-assist'", "api_key = 'HUSH'"), ["api_key"])
        self.assertEqual(self.found("kind = 'vertex'", *OAUTH), ["project"])
        self.assertEqual(self.found("kind = 'vertex'", "credentials = 'default'"), ["project"])
        self.assertEqual(self.found("kind = 'vertex'", "api_key = 'HUSH'", "location = 'eu'"), ["project"])
        self.assertEqual(self.found("api_key = 'HUSH'", "location = 'eu'"), ["location"])
        self.assertEqual(self.found("kind = 'gemini-cli'", "api_key = 'HUSH'"), ["kind"])

    def test_ids(self) -> None:
        """Neither addresses nor ids may be given twice."""
        text = account("api_key = 'a'", "id = 'x'") + account("api_key = 'b'", "id = 'x'")
        self.assertEqual(problem(text).path, "accounts[1].id")

    def test_service_account_files(self) -> None:
        """A file that is no service account's is told by what is wrong with it, never by what is in it."""
        for content, words in (
            ("HUSH", "not JSON"),
            ("[]", '"type"'),
            (json.dumps({"type": "authorized_user", "refresh_token": "HUSH"}), '"type"'),
            (json.dumps(FILE | {"private_key": ""}), '"private_key"'),
            (json.dumps(FILE | {"client_email": 5}), '"client_email"'),
            (json.dumps(FILE | {"token_uri": "HUSH"}), '"token_uri"'),
        ):
            told = problem(account("service_account = 'file:sa.json'"), files={"/etc/agd/sa.json": content})
            self.assertIn(words, told.found)
            self.assertNotIn("HUSH", str(told))

    def test_proxies(self) -> None:
        """What is no proxy is not shown, for it may hold a password."""
        for url in ("ftp://HUSH@a", "http://u:HUSH@", "HUSH", "http://a/HUSH", "socks4://HUSH@a:1"):
            told = problem(account("api_key = 'k'", f"proxy = '{url}'"))
            self.assertEqual(told.path, "accounts[0].proxy")
            self.assertNotIn("HUSH", str(told))

    def test_certificates(self) -> None:
        """Certificates stand in a file of their own, which must be there and hold some."""
        for value, files in (("ca.pem", {}), ("file:ca.pem", {}), ("file:ca.pem", {"/etc/agd/ca.pem": "none"})):
            self.assertEqual(problem(account("api_key = 'k'", f"ca = '{value}'"), files=files).path, "accounts[0].ca")

    def test_limits(self) -> None:
        """Limits of some models are read like those of all; what is no limit is told with its path."""
        settings = read("[upstream.limits]\n'gemini-3*' = { idle_seconds = 4 }\n")
        self.assertEqual(settings.upstream.limits["gemini-3*"].idle_seconds, 4.0)
        told = problem("[upstream.limits]\n'gemini-3*' = { idle = 4 }\n")
        self.assertEqual(told.path, 'upstream.limits."gemini-3*".idle')
        self.assertEqual(problem("upstream.limits = 3").path, "upstream.limits")
        self.assertEqual(problem("[upstream.limits]\n'' = { idle_seconds = 4 }\n").path, 'upstream.limits.""')


class WarningTests(SynchronousTestCase):
    """What the operator is told before anything is asked."""

    def test_code_assist(self) -> None:
        """An account of Code Assist comes with a note on the provider's terms, whoever it is; no other does."""
        text = account(*OAUTH, "kind = 'code-assist'") + account("api_key = 'k'")
        told = [each for each in warnings(read(text), loopback_only=True) if "terms" in each]
        self.assertEqual(len(told), 1)
        self.assertIn("account number 1", told[0])


class ExposureTests(SynchronousTestCase):
    """Who else can read a secret."""

    def test_modes(self) -> None:
        """Everybody may neither read nor write; the group may read."""
        for mode, exposed in (
            (0o600, False),
            (0o640, False),
            (0o660, False),
            (0o644, True),
            (0o604, True),
            (0o602, True),
        ):
            self.assertEqual(is_exposed("/x/key", 0o100000 | mode, {}), exposed, oct(mode))

    def test_folders(self) -> None:
        """The folders of container engines and of systemd's credentials vouch for what is in them, and for no other."""
        environ = {"CREDENTIALS_DIRECTORY": "/run/credentials/agd.service"}
        for path, exposed in (
            ("/run/secrets/key", False),
            ("/run/secrets/deep/key", False),
            ("/run/secrets/../key", True),
            ("/run/secrets-of-mine/key", True),
            ("run/secrets/key", True),
            ("/run/credentials/agd.service/key", False),
            ("/run/credentials/other.service/key", True),
        ):
            self.assertEqual(is_exposed(path, 0o644, environ), exposed, path)
        self.assertTrue(is_exposed("/key", 0o644, {"CREDENTIALS_DIRECTORY": ""}))
        self.assertTrue(is_exposed("key", 0o644, {"CREDENTIALS_DIRECTORY": "."}))

    def read(self, text: str, modes: dict[str, int], environ: dict[str, str] | None = None) -> Settings:
        """Read a configuration whose files have these modes."""
        return read_settings(
            text, SOURCE, environ=environ or {}, read_file=lambda _path: "HUSH", mode_of=lambda path: modes[path]
        )

    def refused(self, text: str, modes: dict[str, int]) -> tuple[ConfigurationProblem, ...]:
        """Return what is wrong with it."""
        error: ConfigurationError = self.assertRaises(ConfigurationError, self.read, text, modes)
        self.assertNotIn("HUSH", str(error))
        return error.problems

    def test_secret_file(self) -> None:
        """A file with a secret that everybody can read is refused, with its mode and a remedy."""
        text = account("api_key = 'file:one.key'")
        [told] = self.refused(text, {SOURCE: 0o644, "/etc/agd/one.key": 0o100644})
        self.assertEqual(told.path, "accounts[0].api_key")
        self.assertIn("mode 0644", told.found)
        self.assertIn("chmod", told.allowed)
        self.read(text, {SOURCE: 0o644, "/etc/agd/one.key": 0o640})

    def test_configuration_with_secrets(self) -> None:
        """So is the configuration itself when secrets stand in it, and all of them are named; references are none."""
        text = "proxy.api_key = 'HUSH'\n" + account("api_key = 'HUSH'", "proxy = 'http://HUSH:HUSH@a'")
        [told] = self.refused(text, {SOURCE: 0o644})
        self.assertEqual(told.path, "file")
        for key in ("proxy.api_key", "accounts[0].api_key", "accounts[0].proxy"):
            self.assertIn(key, told.found)
        self.read(text, {SOURCE: 0o640})
        self.read(account("api_key = 'env:KEY'", "proxy = 'http://a'"), {SOURCE: 0o644}, {"KEY": "HUSH"})

    def test_secrets_from_elsewhere(self) -> None:
        """A secret that an environment variable or an option brings does not stand in the file."""
        self.read("proxy.api_key = 'env:AGD_API_KEY'", {SOURCE: 0o644}, {"AGD_API_KEY": "HUSH"})

    def test_at_the_operators_own_risk(self) -> None:
        """With allow_readable_secrets nobody asks."""
        text = "proxy.allow_readable_secrets = true\nproxy.api_key = 'HUSH'\n" + account("api_key = 'file:one.key'")
        self.read(text, {})
