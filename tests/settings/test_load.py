"""The configuration as a whole: defaults, tables, several problems at once."""

from __future__ import annotations

from collections.abc import MutableMapping

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import ConfigurationError
from agd.settings import Proxy, Settings, load_settings, settings_from_environment
from tests.settings.configurations import SOURCE, key_of, problem, problems, read

FULL = """
[proxy]
port = 9000
api_keys = [{name = "ann", key = "env:ANN_KEY"}, {name = "bob", key = "bobs-key"}]
[proxy.custom_mapping]
"z*" = "gemini-a"
"a*" = "gemini-b"
[retry]
max_attempts = 5
[[accounts]]
email = "first@example.com"
api_key = "k1"
[[accounts]]
api_key = "k2"
base_url = "http://127.0.0.1:9000/"
"""


class ReadTests(SynchronousTestCase):
    """Configurations that are right."""

    def test_empty(self) -> None:
        """An empty configuration is all defaults."""
        self.assertEqual(read(), Settings())
        self.assertEqual(read().proxy.port, 8045)

    def test_full(self) -> None:
        """Every table is read into its place."""
        settings = read(FULL, {"ANN_KEY": "anns-key"})
        self.assertEqual(settings.proxy.port, 9000)
        self.assertEqual(settings.retry.max_attempts, 5)
        self.assertEqual([each.name for each in settings.client_keys], ["ann", "bob"])
        self.assertEqual([each.key.reveal() for each in settings.client_keys], ["anns-key", "bobs-key"])
        self.assertEqual([each.email for each in settings.accounts], ["first@example.com", None])
        self.assertEqual([each.base_url for each in settings.accounts], [None, "http://127.0.0.1:9000"])

    def test_mapping_keeps_order(self) -> None:
        """The mapping keeps the order of the file and cannot be changed; another order is another mapping."""
        mapping = read(FULL, {"ANN_KEY": "k"}).proxy.custom_mapping
        self.assertEqual(list(mapping), ["z*", "a*"])
        self.assertNotIsInstance(mapping, MutableMapping)
        self.assertNotEqual(Proxy(custom_mapping={"a": "1", "b": "2"}), Proxy(custom_mapping={"b": "2", "a": "1"}))

    def test_single_key(self) -> None:
        """A single client key has the name default."""
        [only] = read('proxy.api_key = "made-up"').client_keys
        self.assertEqual((only.name, only.key.reveal()), ("default", "made-up"))

    def test_byte_order_mark(self) -> None:
        """A byte order mark, which some editors write, does no harm."""
        self.assertEqual(read("\ufeffproxy.port = 1").proxy.port, 1)


class ProblemTests(SynchronousTestCase):
    """Configurations that are wrong."""

    def test_all_at_once(self) -> None:
        """Every problem is told, in the order of the tables, each on a line with source and path."""
        text = """
        [proxy]
        prot = 1
        port = "x"
        api_key = 5
        [proxy.custom_mapping]
        "gpt-4o" = 3
        [retry]
        max_attempts = 99
        [[accounts]]
        api_key = "k1"
        [[accounts]]
        api_key = "env:NOWHERE"
        emial = "a@example.com"
        """
        with self.assertRaises(ConfigurationError) as caught:
            read(text)
        self.assertEqual(
            [each.path for each in caught.exception.problems],
            [
                "proxy.prot",
                "proxy.port",
                "proxy.api_key",
                'proxy.custom_mapping."gpt-4o"',
                "retry.max_attempts",
                "accounts[1].emial",
                "accounts[1].api_key",
            ],
        )
        lines = str(caught.exception).splitlines()
        self.assertEqual(len(lines), 7)
        self.assertEqual(
            lines[1], f'{SOURCE}: proxy.port: found "x" (a string); allowed: a whole number from 0 to 65535'
        )

    def test_unknown_key(self) -> None:
        """An unknown key is told with the nearest known one and the list of all."""
        found = problem("[upstream]\nbase_ulr = 'x'")
        self.assertEqual((found.path, found.found), ("upstream.base_ulr", 'unknown key "base_ulr"'))
        self.assertTrue(found.allowed.startswith('did you mean "base_url"? base_url, connect_seconds,'))
        self.assertEqual(
            problem("zzz = 1").allowed,
            "proxy, retry, upstream, translation, store, admin, log, metrics, models, accounts",
        )

    def test_both_forms_of_keys(self) -> None:
        """api_key and api_keys together are refused."""
        found = problem('[proxy]\napi_key = "a"\napi_keys = [{name = "ann", key = "b"}]')
        self.assertEqual((found.path, found.found), ("proxy.api_keys", "both api_key and api_keys"))

    def test_repeated_names(self) -> None:
        """Two client keys of one name, and two accounts of one e-mail address, are refused at the second."""
        found = problem('proxy.api_keys = [{name = "ann", key = "a"}, {name = "ann", key = "b"}]')
        self.assertEqual(found.path, "proxy.api_keys[1].name")
        self.assertIn("proxy.api_keys[0] has as well", found.found)
        account = '[[accounts]]\nemail = "a@example.com"\napi_key = "k"\n'
        self.assertEqual(problem(account * 2).path, "accounts[1].email")
        self.assertEqual(problems('[[accounts]]\napi_key = "k"\n' * 2), ())

    def test_mapping(self) -> None:
        """Empty names and targets are refused, and a name with a dot that is not quoted is explained."""
        found = problems('[proxy.custom_mapping]\n"" = "a"\nb = ""\ngpt-4.1 = "c"\n')
        self.assertEqual(
            [each.path for each in found],
            ['proxy.custom_mapping.""', "proxy.custom_mapping.b", 'proxy.custom_mapping."gpt-4"'],
        )
        self.assertIn("in quotes", found[2].allowed)
        self.assertEqual(problem('proxy.custom_mapping = ["a"]').found, "an array")

    def test_wrong_shape(self) -> None:
        """A value where a table or an array of tables belongs is told by its type."""
        self.assertEqual(problem("retry = 3").found, "an integer")
        self.assertEqual(problem("[accounts]\napi_key = 'k'").found, "a table")
        self.assertEqual(problem("[[retry]]\nmax_attempts = 3").found, "an array")

    def test_syntax(self) -> None:
        """Text that is not TOML is told with line and column."""
        found = problem("[proxy]\nport = = 3\n")
        self.assertEqual(found.path, "line 2, column 8")
        self.assertEqual(problem("a = " + "9" * 5000).path, "file")
        self.assertEqual(problem("a = " + "[" * 100000).found, "values nested too deeply")

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Any text whatever is settings or a list of problems, each on one line."""
        for each in problems(text):
            self.assertTrue(each.path)
            self.assertEqual(len(str(each).splitlines()), 1)


class LoadTests(SynchronousTestCase):
    """From a path to settings."""

    def test_file(self) -> None:
        """The file that is named is read, and named as the source."""
        source, settings = load_settings(
            "a.toml", environ={}, exists=lambda _: True, read_file={"a.toml": "proxy.port = 7"}.__getitem__
        )
        self.assertEqual((source, settings.proxy.port), ("a.toml", 7))

    def test_no_file(self) -> None:
        """Without any file the environment is the configuration."""
        source, settings = load_settings(None, environ={"AGD_PORT": "7"}, exists=lambda _: False, read_file=self.fail)
        self.assertEqual((source, settings.proxy.port), ("environment", 7))

    def test_unreadable_file(self) -> None:
        """A file that cannot be read, or is not text, is a configuration error that says so."""

        def denied(path: str) -> str:
            raise PermissionError(13, "Permission denied", path)

        def binary(_path: str) -> str:
            return b"\xff".decode()

        for read_file, words in ((denied, "Permission denied"), (binary, "a file that is not text in UTF-8")):
            with self.assertRaises(ConfigurationError) as caught:
                load_settings("a.toml", environ={}, exists=lambda _: True, read_file=read_file)
            self.assertEqual(caught.exception.source, "a.toml")
            self.assertEqual(caught.exception.problems[0].found, words)


class EnvironmentOnlyTests(SynchronousTestCase):
    """No file at all."""

    def test_defaults(self) -> None:
        """An empty environment gives the defaults."""
        self.assertEqual(settings_from_environment({}), Settings())

    def test_account(self) -> None:
        """GEMINI_API_KEY is the only account, and GOOGLE_API_KEY where that one is missing."""
        [only] = settings_from_environment({"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"}).accounts
        self.assertEqual((key_of(only).reveal(), key_of(only).source), ("a", "env:GEMINI_API_KEY"))
        [only] = settings_from_environment({"GEMINI_API_KEY": "", "GOOGLE_API_KEY": "b"}).accounts
        self.assertEqual((key_of(only).reveal(), key_of(only).source), ("b", "env:GOOGLE_API_KEY"))

    def test_no_files(self) -> None:
        """Without a way to read files a reference to one is a problem."""
        with self.assertRaises(ConfigurationError) as caught:
            settings_from_environment({"AGD_API_KEY": "file:/key"})
        self.assertEqual(caught.exception.source, "environment")
