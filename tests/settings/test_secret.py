"""Secrets: where they come from, and that they are never shown."""

from __future__ import annotations

import traceback

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import ConfigurationError
from agd.settings import Account, ClientKey, Override, Secret, Settings
from tests.settings.configurations import key, key_of, problem, read

MARK = "HUSH"


def account(key: str) -> str:
    """Give a configuration with one account, its key a TOML literal string."""
    return f"[[accounts]]\napi_key = '{key}'"


class SecretTests(SynchronousTestCase):
    """The value itself."""

    def test_is_not_shown(self) -> None:
        """Neither repr, str nor format of a secret, or of a table with one, shows it; reveal does."""
        secret = Secret("made-up-key")
        self.assertEqual(repr(secret), "Secret('***')")
        self.assertEqual(f"{secret} {secret!s}", "Secret('***') Secret('***')")
        settings = Settings(accounts=(Account(api_key=secret),))
        self.assertNotIn("made-up-key", repr(settings) + repr(ClientKey("ann", secret)))
        self.assertEqual(secret.reveal(), "made-up-key")

    def test_equality(self) -> None:
        """Secrets are equal when their values are, wherever they were found."""
        self.assertEqual(Secret("a", "env:A"), Secret("a"))
        self.assertNotEqual(Secret("a"), Secret("b"))

    def test_override_is_not_shown(self) -> None:
        """The repr of an override does not show its text, which may be a secret."""
        self.assertNotIn("hush", repr(Override("env:AGD_API_KEY", "proxy", "api_key", "hush")))


class SourceTests(SynchronousTestCase):
    """Literal, environment, file."""

    def test_literal(self) -> None:
        """A text without a reference is the secret."""
        [only] = read(account("made-up-key")).accounts
        self.assertEqual((key_of(only).reveal(), key_of(only).source), ("made-up-key", "literal"))

    def test_environment(self) -> None:
        """env:NAME is the value of that variable."""
        [only] = read(account("env:FIRST_KEY"), {"FIRST_KEY": "made-up"}).accounts
        self.assertEqual((key_of(only).reveal(), key_of(only).source), ("made-up", "env:FIRST_KEY"))

    def test_relative_file(self) -> None:
        """A relative file: starts from the configuration's folder; the line's end is not part of the secret."""
        [only] = read(account("file:keys/a"), files={"/etc/agd/keys/a": "made-up\r\n"}).accounts
        self.assertEqual((key_of(only).reveal(), key_of(only).source), ("made-up", "file:keys/a"))

    def test_absolute_file(self) -> None:
        """An absolute file: is taken as it is."""
        [only] = read(account("file:/run/key"), files={"/run/key": "made-up"}).accounts
        self.assertEqual(key_of(only).reveal(), "made-up")

    def test_missing_variable(self) -> None:
        """A variable that is not set is a problem with its name; so is an empty one."""
        found = problem(account("env:FIRST_KEY"))
        self.assertEqual(found.path, "accounts[0].api_key")
        self.assertEqual(found.found, "environment variable FIRST_KEY, which is not set")
        found = problem(account("env:FIRST_KEY"), {"FIRST_KEY": ""})
        self.assertEqual(found.found, "environment variable FIRST_KEY that is empty")

    def test_missing_file(self) -> None:
        """A file that is missing, not readable, not text or empty is a problem with its path."""
        for content, words in (
            (FileNotFoundError(2, "No such file or directory"), 'file "key": No such file or directory'),
            (PermissionError(13, "Permission denied"), 'file "key": Permission denied'),
            (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), 'file "key", which is not text'),
            ("\n", 'file "key" that is empty'),
        ):
            found = problem(account("file:key"), files={"/etc/agd/key": content})
            self.assertEqual(found.found, words)

    def test_reference_without_name(self) -> None:
        """env: and file: without a proper name are problems."""
        self.assertIn("without a proper name", problem(account("env:")).found)
        self.assertIn("without a path", problem(account("file:")).found)

    def test_missing(self) -> None:
        """An account without a key is a problem at the key."""
        found = problem('[[accounts]]\nemail = "a@example.com"')
        self.assertEqual((found.path, found.found), ("accounts[0].api_key", "nothing"))


class NeverShownTests(SynchronousTestCase):
    """Whatever is wrong with a secret, it is not told."""

    def test_other_types(self) -> None:
        """A secret of another type is told by its type alone."""
        for text, words in (("271828", "an integer"), ('["271828"]', "an array"), ("{k = 271828}", "a table")):
            found = problem(f"proxy.api_key = {text}")
            self.assertEqual((found.path, found.found), ("proxy.api_key", words))

    def test_secrets_in_the_wrong_place(self) -> None:
        """A key where a table of keys or accounts belongs is told by its type alone."""
        for text in (
            'proxy.api_keys = ["HUSH"]',
            'proxy.api_keys = "HUSH"',
            'accounts = "HUSH"',
            'accounts = ["HUSH"]',
        ):
            self.assertNotIn(MARK, str(problem(text)))
        self.assertNotIn(MARK, str(problem('proxy = "HUSH"')))

    def test_syntax_error(self) -> None:
        """A key in a line that is not TOML is not shown either."""
        for text in ("proxy.api_key = HUSH", 'proxy.api_key = "HUSH', 'proxy.api_key = "HUSH" HUSH'):
            with self.assertRaises(ConfigurationError) as caught:
                read(text)
            shown = "".join(traceback.format_exception(caught.exception))
            self.assertNotIn(MARK, shown)
            self.assertIsNone(caught.exception.__context__)  # the parser's error holds the whole text

    @given(st.text(st.characters(codec="utf-8")), st.sampled_from(("env", "file", "override")))
    def test_generated(self, text: str, place: str) -> None:
        """Any secret is either taken unchanged or refused without being shown."""
        secret = f"{MARK}{text}"
        config = account("env:FIRST_KEY" if place == "env" else "file:/key")
        environ = {"FIRST_KEY": secret}
        if place == "override":
            config, environ = "", {"AGD_API_KEY": secret}
        try:
            settings = read(config, environ, {"/key": secret})
        except ConfigurationError as error:
            self.assertNotIn(MARK, str(error) + repr(error))
            self.assertFalse(secret.isascii() and secret.isprintable() and secret == secret.strip())
        else:
            kept = settings.client_keys[0].key if place == "override" else key(settings)
            self.assertEqual(kept.reveal(), secret.rstrip("\r\n") if place == "file" else secret)

    @given(st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_characters="'\x7f")))
    def test_generated_literals(self, text: str) -> None:
        """Any literal secret is either taken unchanged or refused without being shown."""
        try:
            settings = read(account(MARK + text))
        except ConfigurationError as error:
            self.assertNotIn(MARK, str(error) + repr(error))
        else:
            self.assertEqual(key(settings).reveal(), MARK + text)
