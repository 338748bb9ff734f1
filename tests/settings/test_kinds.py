"""What plain fields and addresses allow, each through the configuration's text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.settings.addresses import BaseUrl, HostName, Origin
from agd.settings.kinds import Boolean, Choice, Integer, Kind, Number, Seconds, Text
from agd.settings.reading import INVALID, Reading
from tests.settings.configurations import problem, problems, read

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
).filter(lambda value: value is not None)
KINDS = (Boolean(), Integer(0, 9), Number(0, 9), Seconds(), Text(), Choice(("a", "b")), BaseUrl(), Origin(), HostName())


class BooleanTests(SynchronousTestCase):
    """True and false."""

    def test_values(self) -> None:
        """Both booleans are read as they are."""
        self.assertIs(read("proxy.allow_lan_access = true").proxy.allow_lan_access, True)
        self.assertIs(read("proxy.allow_lan_access = false").proxy.allow_lan_access, False)

    def test_other_types(self) -> None:
        """A number or a word is no boolean, and the problem shows it with its type."""
        found = problem("proxy.allow_lan_access = 1")
        self.assertEqual(
            (found.path, found.found, found.allowed),
            ("proxy.allow_lan_access", "1 (an integer)", "true or false"),
        )
        self.assertEqual(problem('proxy.allow_lan_access = "true"').found, '"true" (a string)')


class IntegerTests(SynchronousTestCase):
    """Whole numbers within limits."""

    def test_limits(self) -> None:
        """The limits themselves are allowed, their neighbours are not."""
        for port in (0, 65535):
            self.assertEqual(read(f"proxy.port = {port}").proxy.port, port)
        for port in (-1, 65536):
            self.assertEqual(problem(f"proxy.port = {port}").allowed, "a whole number from 0 to 65535")
        for attempts in (0, 11):
            self.assertEqual(problem(f"retry.max_attempts = {attempts}").path, "retry.max_attempts")
        self.assertEqual(problem("proxy.max_body_bytes = 0").allowed, "a whole number of at least 1")

    def test_other_types(self) -> None:
        """A boolean, a float, a string, a date and an array are no whole numbers."""
        for text, words in (
            ("true", "true (a boolean)"),
            ("8045.0", "8045.0 (a float)"),
            ('"8045"', '"8045" (a string)'),
            ("2020-01-02", "2020-01-02 (a date or time)"),
            ("[8045]", "an array"),
        ):
            self.assertEqual(problem(f"proxy.port = {text}").found, words)


class SecondsTests(SynchronousTestCase):
    """Lengths of time."""

    def test_values(self) -> None:
        """Whole and broken seconds are read as floats."""
        self.assertEqual(read("upstream.connect_seconds = 3").upstream.connect_seconds, 3.0)
        self.assertEqual(read("upstream.connect_seconds = 0.25").upstream.connect_seconds, 0.25)
        self.assertIs(type(read("upstream.connect_seconds = 3").upstream.connect_seconds), float)

    def test_zero(self) -> None:
        """Nothing is allowed only where waiting for nothing makes sense."""
        self.assertEqual(read("proxy.drain_seconds = 0").proxy.drain_seconds, 0)
        self.assertEqual(problem("upstream.idle_seconds = 0").allowed, "a number of seconds above 0 to 86400")

    def test_refused(self) -> None:
        """Negative, endless, undefined and absurdly long times are refused, and so are other types."""
        for text in ("-1", "inf", "nan", "86401", "true", '"10"'):
            self.assertEqual(problem(f"upstream.idle_seconds = {text}").path, "upstream.idle_seconds")


class TextTests(SynchronousTestCase):
    """Text on one line."""

    def test_empty(self) -> None:
        """An empty default model is allowed, an empty e-mail address is not."""
        self.assertEqual(read('proxy.default_model = ""').proxy.default_model, "")
        found = problem('[[accounts]]\napi_key = "k"\nemail = ""')
        self.assertEqual((found.path, found.found), ("accounts[0].email", '"" (a string)'))

    def test_control_characters(self) -> None:
        """A control character is refused and shown escaped, on one line."""
        found = problem('proxy.default_model = "a\\nb"')
        self.assertEqual(found.found, '"a\\nb" (a string)')

    def test_ascii(self) -> None:
        """An account's e-mail address becomes a header and is therefore ASCII; a model name need not be."""
        self.assertEqual(read('proxy.default_model = "modèle"').proxy.default_model, "modèle")
        self.assertIn("ASCII", problem('[[accounts]]\napi_key = "k"\nemail = "é@x"').allowed)


class ChoiceTests(SynchronousTestCase):
    """One word of a few."""

    def test_words(self) -> None:
        """Each word is read as it is; another one, or one in capitals, is refused with the list."""
        for word in ("off", "strict", "all_except_health", "auto"):
            self.assertEqual(read(f'proxy.auth_mode = "{word}"').proxy.auth_mode, word)
        found = problem('proxy.expose_account = "Email"')
        self.assertEqual(found.found, '"Email" (a string)')
        self.assertEqual(found.allowed, 'one of "email", "id", "off"')
        self.assertEqual(problem("proxy.auth_mode = false").found, "false (a boolean)")


class BaseUrlTests(SynchronousTestCase):
    """Where an API stands."""

    def test_right(self) -> None:
        """A host with port and path prefix is allowed; the slash at the end goes."""
        for text, url in (
            ("https://example.com/", "https://example.com"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("https://[::1]:8443/gemini/", "https://[::1]:8443/gemini"),
        ):
            self.assertEqual(read(f'upstream.base_url = "{text}"').upstream.base_url, url)

    def test_wrong(self) -> None:
        """Other schemes, no host, a port out of range, a query, a fragment and white space are refused."""
        for text in (
            "ftp://example.com",
            "example.com",
            "https://",
            "https://example.com:0",
            "https://example.com:65536",
            "https://example.com/?a",
            "https://example.com/#a",
            "https://example .com",
            "https://[::g]",
            "https://[1::2::3]",
            "https://a..b",
            "",
        ):
            self.assertEqual(problem(f'upstream.base_url = "{text}"').path, "upstream.base_url", text)

    def test_credentials_are_not_shown(self) -> None:
        """A password or a key in a URL that is refused does not stand in the problem."""
        for url in ("https://ann:hush-hush@example.com", "https://example.com/?key=hush-hush"):
            self.assertNotIn("hush", str(problem(f'upstream.base_url = "{url}"')))


class OriginTests(SynchronousTestCase):
    """Origins of web pages."""

    def test_canonical(self) -> None:
        """Origins are kept the way a browser writes them: in lower case, without the usual port."""
        text = 'proxy.cors_origins = ["https://App.Example:443", "http://localhost:3000", "tauri://localhost"]'
        self.assertEqual(
            read(text).proxy.cors_origins,
            ("https://app.example", "http://localhost:3000", "tauri://localhost"),
        )

    def test_wrong(self) -> None:
        """A path, even a mere slash, a star and a bare name are refused, each at its place."""
        found = problems('proxy.cors_origins = ["https://a.example/", "*", "a.example", "https://ok.example"]')
        self.assertEqual([each.path for each in found], [f"proxy.cors_origins[{i}]" for i in range(3)])

    def test_not_an_array(self) -> None:
        """A single origin outside an array is refused by its type."""
        self.assertEqual(problem('proxy.cors_origins = "https://a.example"').found, "a string")


class HostNameTests(SynchronousTestCase):
    """Names in a Host header."""

    def test_right(self) -> None:
        """Names and addresses are allowed and kept in lower case."""
        text = 'proxy.allowed_hosts = ["AGD.example", "10.0.0.1", "[::1]"]'
        self.assertEqual(read(text).proxy.allowed_hosts, ("agd.example", "10.0.0.1", "[::1]"))

    def test_wrong(self) -> None:
        """A port, a scheme, a star and nothing are refused."""
        found = problems('proxy.allowed_hosts = ["a.example:80", "http://a", "*", ""]')
        self.assertEqual(len(found), 4)


class PropertyTests(SynchronousTestCase):
    """What holds for every kind."""

    @given(st.sampled_from(KINDS), ANYTHING)
    def test_value_or_one_problem(self, kind: Kind, value: object) -> None:
        """Any value whatever is either read, or is one problem of one line with the words for what is allowed."""
        reading = Reading("agd.toml", {}, str)
        result = kind.read(value, "a.b", reading)
        if result is not INVALID:
            self.assertEqual(reading.problems, [])
            return
        [found] = reading.problems
        self.assertEqual((found.path, found.allowed), ("a.b", kind.allowed))
        self.assertEqual(len(str(found).splitlines()), 1)

    @given(st.sampled_from(KINDS), st.text())
    def test_text_of_the_environment(self, kind: Kind, text: str) -> None:
        """Any text of the environment is read or refused, never an exception."""
        reading = Reading("agd.toml", {}, str)
        result = kind.read(kind.from_text(text), "env:NAME", reading)
        self.assertEqual(len(reading.problems), 1 if result is INVALID else 0)


class NumberTests(SynchronousTestCase):
    """Numbers within limits, and tables of counts."""

    def test_number(self) -> None:
        """A number within its limits is read as a float; the lower limit itself only where it belongs to them."""
        above, closed = Number(0, 10), Number(0, 10, closed=True)
        self.assertEqual(
            [above.fits(value) for value in (0, 0.5, 10, 10.1, -1, True, "1")], [False, True, True] + 4 * [False]
        )
        self.assertTrue(closed.fits(0))
        self.assertIsInstance(above.convert(1), float)
        self.assertEqual((above.allowed, closed.allowed), ("a number above 0 to 10", "a number from 0 to 10"))
        self.assertFalse(above.fits(float("nan")))

    def test_account_keys(self) -> None:
        """The scheduling keys of an account are read, and what is wrong is told by its key."""
        text = '[[accounts]]\napi_key = "k"\nweight = 2.5\npriority = -1\nmodels = ["a*"]\nmax_concurrency = 3\n'
        [account] = read(text + 'limits = { "a-pro*" = 2 }\n').accounts
        self.assertEqual((account.weight, account.priority, account.models), (2.5, -1, ("a*",)))
        self.assertEqual((account.max_concurrency, dict(account.limits)), (3, {"a-pro*": 2}))
        for wrong, path in (
            ("limits = 3\n", "accounts[0].limits"),
            ('limits = { "" = 1 }\n', 'accounts[0].limits.""'),
            ("limits = { a = 0 }\n", "accounts[0].limits.a"),
            ("weight = 0\n", "accounts[0].weight"),
            ("max_concurrency = 0\n", "accounts[0].max_concurrency"),
        ):
            self.assertEqual(problem('[[accounts]]\napi_key = "k"\n' + wrong).path, path)

    def test_scheduling(self) -> None:
        """The table within [proxy] is read, its pins in the order of the file."""
        text = (
            '[proxy.scheduling]\nmode = "fill_first"\nqueue_size = 0\n[proxy.scheduling.pinned]\n"*" = "a"\nm = "b"\n'
        )
        told = read(text).proxy.scheduling
        self.assertEqual(
            (told.mode, told.queue_size, list(told.pinned.items())), ("fill_first", 0, [("*", "a"), ("m", "b")])
        )
        self.assertEqual(problem('[proxy.scheduling]\nmode = "odd"\n').path, "proxy.scheduling.mode")
