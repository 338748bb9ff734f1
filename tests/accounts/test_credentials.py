"""What proves an account, as values."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account
from agd.accounts.assertion import UnusableKey, check_key
from agd.accounts.credentials import ApiKey, DefaultCredentials, Token
from agd.accounts.redaction import redact, redact_text
from agd.accounts.way import Proxy, WayOut
from agd.encoding import encode_text
from agd.simulator.office import BadGrant, Client, Office, Signer
from tests.accounts.keys import EMAIL, pair, proven, refresh_token, service_account

URL = "https://tokens.example/token"
PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace("*", "")


def form(text: str) -> dict[str, str]:
    """Read a form."""
    return {name: values[-1] for name, values in parse_qs(text).items()}


class TokenTests(SynchronousTestCase):
    """Access tokens."""

    def test_K14_times(self) -> None:
        """A token is to be renewed at four fifths of its life, and is not used in its last seconds."""
        token = Token("t", 100.0, 3600.0)
        self.assertEqual((token.renew_at, token.ends_at), (100.0 + 2880.0, 100.0 + 3590.0))

    def test_short_life(self) -> None:
        """One that hardly lives keeps most of its life, and is renewed before it ends."""
        token = Token("t", 0.0, 5.0)
        self.assertEqual(token.ends_at, 4.5)
        self.assertLess(token.renew_at, token.ends_at)

    def test_headers(self) -> None:
        """A token is borne in Authorization, and names the project that it is counted for where it has one."""
        credential = refresh_token(URL)
        self.assertEqual(credential.headers(Token("t", 0, 1)), (("Authorization", "Bearer t"),))
        self.assertIn(("x-goog-user-project", "p"), credential.headers(Token("t", 0, 1, "p")))
        self.assertRaises(ValueError, credential.headers)


class GrantTests(SynchronousTestCase):
    """What is shown to a token endpoint."""

    def test_service_account(self) -> None:
        """A service account signs a claim that the endpoint can verify, for an hour and for that endpoint."""
        office = Office(signers={EMAIL: Signer(pair()[1], "key")})
        grant = service_account(URL).grant(1_000_000.0)
        self.assertEqual(grant.url, URL)
        self.assertEqual(office.decide(form(grant.form), URL, 1_000_000.0).status, 200)
        for url, now, number in ((URL + "/other", 1_000_000.0, 0), (URL, 1_004_000.0, 0), (URL, 1_000_000.0, 1)):
            claim = service_account(URL, number).grant(1_000_000.0)
            self.assertEqual(office.decide(form(claim.form), url, now).document["error"], "invalid_grant")

    def test_slow_clock(self) -> None:
        """A claim of a clock that is some seconds ahead is good all the same."""
        office = Office(signers={EMAIL: Signer(pair()[1], "key")})
        grant = service_account(URL).grant(1_000_005.0)
        self.assertEqual(office.decide(form(grant.form), URL, 1_000_000.0).status, 200)

    def test_refresh_token(self) -> None:
        """A refresh token is shown with the operator's own client."""
        grant = refresh_token(URL).grant(0.0)
        office = Office(clients=[Client("client-1.example", "made-up/client+secret", "1//made-up-refresh", "key")])
        self.assertEqual(office.decide(form(grant.form), URL, 0.0).status, 200)

    def test_unusable_key(self) -> None:
        """A key that cannot sign is told without anything of it."""
        for key in ("made-up", pair()[1], pair()[0][:-200]):
            error = self.assertRaises(UnusableKey, check_key, key)
            self.assertNotIn(key[30:60] or "made-up", str(error))
        check_key(pair()[0])

    def test_office_refuses_what_it_does_not_know(self) -> None:
        """The simulated endpoint is no pushover: other grants, half claims and forged headers are refused."""
        office = Office()
        for grant in ({}, {"grant_type": "password"}, {"grant_type": "refresh_token"}):
            self.assertGreaterEqual(office.decide(grant, URL, 0.0).status, 400)
        self.assertRaises(BadGrant, office._claimed, "a.b", URL, 0.0)


class SecretTests(SynchronousTestCase):
    """What must show nowhere."""

    def test_G39_reprs(self) -> None:
        """No repr of an account, a credential, a grant, a token or a proxy holds a secret."""
        way = WayOut(Proxy.read("http://user:made-up-pass@proxy.example:3128"))
        for credential in (ApiKey("made-up-key"), service_account(URL), refresh_token(URL), DefaultCredentials()):
            account = proven(credential, way=way)
            shown = repr(account) + str(credential)
            for secret in account.secrets:
                self.assertNotIn(secret, shown)
                self.assertNotIn(encode_text(secret)[1:-1], shown)
        self.assertNotIn("made-up", repr(refresh_token(URL).grant(0.0)) + repr(Token("made-up", 0, 1)))

    def test_G39_redacted(self) -> None:
        """A secret is taken out as it is, as URLs, forms and JSON write it, and a long key line by line."""
        secret = 'a/b+c d="e"\\f&'
        for form_ in (secret, quote(secret, safe=""), quote_plus(secret), encode_text(secret)):
            self.assertEqual(redact_text(f"<{form_}>", (secret,)).strip('"<>'), "***")
        key = pair()[0]
        self.assertEqual(redact(key.splitlines()[3].encode(), (key,)), b"***")
        self.assertNotIn(key.splitlines()[3], redact_text(encode_text(key), (key,)))

    def test_longest_first(self) -> None:
        """A secret that begins like another is taken out whole."""
        self.assertEqual(redact_text("key-12 key-1", ("key-1", "key-12")), "*** ***")

    def test_account_knows_all(self) -> None:
        """An account takes out its credential, its token and what its proxy is told."""
        proxy = Proxy.read("http://user:made-up-pass@proxy.example")
        account = proven(refresh_token(URL), way=WayOut(proxy))
        said = f"made-up-pass {proxy.basic} 1//made-up-refresh made-up%2Fclient%2Bsecret ya29.t".encode()
        self.assertEqual(account.redact(said, Token("ya29.t", 0, 1)), b"*** Basic *** *** *** ***")


class ProxyTests(SynchronousTestCase):
    """Ways out."""

    def test_read(self) -> None:
        """A URL gives scheme, host, port (the scheme's own when it has none) and credentials, decoded."""
        read = Proxy.read
        self.assertEqual(read("http://a.example"), Proxy("http", "a.example", 80))
        self.assertEqual(read("https://a.example:1/"), Proxy("https", "a.example", 1))
        self.assertEqual(read("socks5h://u%40x:p%3A@[::1]"), Proxy("socks5", "::1", 1080, "u@x", "p:"))

    def test_refused(self) -> None:
        """Anything else is refused, in words without the URL."""
        for url in (
            "http://u:hush",
            "http://[hush]:1",
            "http://u:hush@a:99999",
            "ftp://hush",
            "http://",
            "http://hush/path",
            "http://hush?q",
            f"socks5://{'u' * 300}:hush@a",
        ):
            error = self.assertRaises(ValueError, Proxy.read, url)
            self.assertNotIn("hush", str(error))


class AnythingTests(SynchronousTestCase):
    """Secrets and URLs of any shape."""

    @given(st.text(PRINTABLE, min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20))
    def test_redacted_anywhere(self, secret: str, before: str, behind: str) -> None:
        """Wherever a secret stands, in whatever form, it is gone afterwards."""
        for form_ in (secret, quote(secret, safe=""), quote_plus(secret), encode_text(secret)[1:-1]):
            said = before.encode("utf-8", "surrogatepass") + form_.encode() + behind.encode("utf-8", "surrogatepass")
            found = redact(said, (secret,))
            self.assertIn(b"***", found)
            self.assertFalse(any(form_.encode() in piece for piece in found.split(b"***")))

    @given(st.text(max_size=30))
    def test_any_proxy(self, text: str) -> None:
        """Any text is a proxy or a ``ValueError`` that does not quote it."""
        for url in (text, f"http://{text}", f"socks5://u:{text}@host"):
            try:
                Proxy.read(url)
            except ValueError as error:
                self.assertTrue(str(error).startswith("a URL") or str(error).startswith("a name"), error)


class IdTests(SynchronousTestCase):
    """Ids of accounts with the same credential."""

    def test_distinct(self) -> None:
        """A key's account keeps the id that it always had; further marks tell accounts of one credential apart."""
        from agd.accounts.account import opaque_id

        plain = Account.of_key("a", "u", "k").id
        self.assertEqual(opaque_id("a", "u", "k"), plain)
        ids = {opaque_id("a", "u", "k", *more) for more in (("vertex", "p", "x"), ("vertex", "p", "y"), ("vertex",))}
        self.assertEqual(len(ids | {plain}), 4)
