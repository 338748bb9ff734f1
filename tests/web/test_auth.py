"""Who may come in."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from agd.errors import GatewayError
from agd.keys.key import Guest, digest_of
from agd.web.auth import Door, Mode, hostname, is_harmless_origin, presented

KEYS = [("one", "key-one"), ("two", "key-two"), ("ünï", "schlüssel")]
ROUTES = ("/healthz", "/readyz", "/v1/models", "/v1/chat/completions", "/nowhere")


def door(mode: Mode, allowed_hosts: Sequence[str] = (), cors_origins: Sequence[str] = ()) -> Door:
    """Make a door with three keys."""
    return Door.of(mode, KEYS, allowed_hosts, cors_origins)


def key(text: str) -> Headers:
    """Give the headers of a request with a key."""
    return Headers({"x-api-key": [text]})


def verdict(door: Door, path: str = "/v1/models", **headers: str | bytes | list[str]) -> int:
    """Give the status with which a request is refused, 200 when it may come in."""
    raw = Headers()
    for name, values in headers.items():
        for value in values if isinstance(values, list) else [values]:
            raw.addRawHeader(name.replace("_", "-").encode(), value if isinstance(value, bytes) else value.encode())
    try:
        door.check(path, raw)
    except GatewayError as error:
        return error.status
    return 200


class ModeTests(SynchronousTestCase):
    """Modes and routes."""

    def test_off(self) -> None:
        """Off lets everybody in, also with a key that is not valid."""
        for path in ROUTES:
            self.assertEqual(verdict(door("off"), path), 200)
            self.assertEqual(verdict(door("off"), path, authorization="Bearer wrong"), 200)

    def test_strict(self) -> None:
        """Strict wants a key on every route."""
        for path in ROUTES:
            self.assertEqual(verdict(door("strict"), path), 401, path)
            self.assertEqual(verdict(door("strict"), path, authorization="Bearer key-one"), 200, path)

    def test_all_except_health(self) -> None:
        """All-except-health wants a key on every route but /healthz; /readyz is not excepted."""
        for path in ROUTES:
            self.assertEqual(verdict(door("all_except_health"), path), 200 if path == "/healthz" else 401, path)
            self.assertEqual(verdict(door("all_except_health"), path, x_api_key="key-two"), 200, path)

    def test_no_foreign_checks_with_keys(self) -> None:
        """Where keys are wanted, Host and Origin do not matter: the key is what a foreign page lacks."""
        foreign = {"host": "evil.example", "origin": "https://evil.example", "x_api_key": "key-one"}
        self.assertEqual(verdict(door("strict"), **foreign), 200)
        self.assertEqual(verdict(door("all_except_health"), **foreign), 200)


class KeyTests(SynchronousTestCase):
    """How keys are presented."""

    def test_headers(self) -> None:
        """Each of the three headers carries a key."""
        for headers in (
            {"authorization": "Bearer key-one"},
            {"x_api_key": "key-one"},
            {"x_goog_api_key": "key-one"},
        ):
            self.assertEqual(verdict(door("strict"), **headers), 200, headers)

    def test_any(self) -> None:
        """One valid key among those presented is enough, wherever it stands."""
        for headers in (
            {"authorization": "Bearer wrong", "x_api_key": "wrong", "x_goog_api_key": "key-one"},
            {"authorization": "Bearer key-one", "x_api_key": "wrong"},
            {"authorization": "Basic a2V5", "x_api_key": "key-two"},
            {"authorization": ["Bearer wrong", "Bearer key-two"]},
            {"x_api_key": ["wrong", "", "key-one"]},
        ):
            self.assertEqual(verdict(door("strict"), **headers), 200, headers)

    def test_spelling(self) -> None:
        """The scheme's case and further blanks do not matter."""
        for value in ("bearer key-one", "BEARER key-one", "Bearer    key-one", "Bearer\tkey-one", "Bearer \t key-one "):
            self.assertEqual(verdict(door("strict"), authorization=value), 200, value)

    def test_refused(self) -> None:
        """What is not exactly a key behind the scheme is no key."""
        for value in (
            "",
            "Bearer",
            "Bearer ",
            "key-one",
            "Basic key-one",
            "Bearerkey-one",
            "Bearer key-on",
            "Bearer key-one2",
            "Bearer KEY-ONE",
            "Bearer key-one key-two",
        ):
            self.assertEqual(verdict(door("strict"), authorization=value), 401, value)
        self.assertEqual(verdict(door("strict"), x_api_key="Bearer key-one"), 401)

    def test_bytes(self) -> None:
        """A key beyond ASCII is valid in UTF-8, and bytes that are no text are simply wrong."""
        self.assertEqual(verdict(door("strict"), x_api_key="schlüssel"), 200)
        self.assertEqual(verdict(door("strict"), x_api_key="schlüssel".encode("latin-1")), 401)
        self.assertEqual(verdict(door("strict"), authorization=b"Bearer \xff\xfe"), 401)

    def test_C02_I51_tenant(self) -> None:
        """A request belongs to the name of its key; where no key is asked for, all belong to one."""
        self.assertEqual(door("strict").tenant(key("key-one")), "key:one")
        self.assertEqual(door("all_except_health").tenant(key("key-two")), "key:two")
        everybody = [door("off").tenant(headers) for headers in (key("key-one"), key("key-two"), Headers())]
        self.assertEqual(set(everybody), {"local"})

    def test_expired(self) -> None:
        """A key that is over is refused from that moment on, and says why, unless another one is good."""
        time = [99.9]
        guests = {digest_of("key-old"): Guest("old", 100.0), digest_of("key-new"): Guest("new")}
        aging = Door.of("strict", [], guests=guests, now=lambda: time[0])
        self.assertEqual(aging.tenant(key("key-old")), "key:old")
        time[0] = 100.0
        for ask in (aging.tenant, lambda headers: aging.check("/v1/models", headers)):
            error: GatewayError = self.assertRaises(GatewayError, ask, key("key-old"))
            self.assertEqual((error.status, error.code), (401, "invalid_api_key"))
            self.assertIn("expired", error.message)
        both = Headers({"authorization": ["Bearer key-old"], "x-api-key": ["key-new"]})
        self.assertEqual(aging.tenant(both), "key:new")

    def test_I51_nobody(self) -> None:
        """A request without a valid key, where one is asked for, is refused and falls to no owner."""
        for headers in (Headers(), key("wrong")):
            with self.assertRaises(GatewayError) as caught:
                door("all_except_health").tenant(headers)
            self.assertEqual(caught.exception.status, 401)

    def test_I51_unnamed(self) -> None:
        """A key without a name is known by what is made of it; without a way to make that, nothing is made up."""
        unnamed = Door.of("strict", [(None, "key-one")], mac=lambda text: f"<{text}>")
        self.assertEqual(unnamed.tenant(key("key-one")), "mac:<key-one>")
        with self.assertRaises(ValueError):
            Door.of("strict", [(None, "key-one")]).tenant(key("key-one"))

    @given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
    def test_I51_apart(self, names: list[str]) -> None:
        """Owners of keys with any two names differ, from each other, from an unnamed one and from local."""
        keys = [(names[0], "0"), (names[1], "1"), (None, "2")]
        mixed = Door.of("strict", keys, mac=lambda _: names[0])
        owners = {mixed.tenant(key(text)) for _, text in keys}
        self.assertEqual(len(owners | {"local", door("off").tenant(Headers())}), 4)

    def test_rotation(self) -> None:
        """An owner survives the rotation of the key, for it is the name that counts."""
        renewed = Door.of("strict", [("one", "key-new")])
        self.assertEqual(renewed.tenant(key("key-new")), door("strict").tenant(key("key-one")))

    def test_first_valid(self) -> None:
        """The first valid key in the documented order counts."""
        headers = Headers({"x-goog-api-key": ["key-one"], "authorization": ["Bearer key-two"]})
        self.assertEqual(door("strict").tenant(headers), "key:two")

    def test_hidden(self) -> None:
        """A door shows no key and nothing made from one."""
        self.assertNotIn("key", repr(door("strict")))
        self.assertNotIn("digest", repr(door("strict")))

    @given(st.binary(max_size=40))
    def test_any_bytes(self, value: bytes) -> None:
        """No value of a header breaks the door."""
        clean = value.translate(None, b"\r\n\0")
        headers = Headers({b"authorization": [clean], b"host": [clean], b"origin": [clean]})
        self.assertIsInstance(list(presented(headers)), list)
        self.assertIn(verdict(door("strict"), authorization=clean), (200, 401))
        self.assertIn(verdict(door("off"), host=clean, origin=clean), (200, 403))


class ErrorTests(SynchronousTestCase):
    """What a refused client is told."""

    def refusal(self, mode: Mode, headers: dict[str, list[str]]) -> GatewayError:
        """Give the error of a refusal."""
        error: GatewayError = self.assertRaises(GatewayError, door(mode).check, "/v1/models", Headers(headers))
        return error

    def test_unauthorized(self) -> None:
        """A 401 has OpenAI's code, names the scheme, and does not repeat the key."""
        error = self.refusal("strict", {"x-api-key": ["almost-secret"]})
        self.assertEqual((error.status, error.type, error.code), (401, "invalid_request_error", "invalid_api_key"))
        self.assertIsNone(error.param)
        self.assertEqual(dict(error.headers)["WWW-Authenticate"], 'Bearer realm="agd"')
        self.assertIn("Incorrect API key", error.message)
        self.assertNotIn("almost-secret", error.message)

    def test_missing(self) -> None:
        """Who presents no key at all is told how to."""
        error = self.refusal("strict", {"authorization": ["Basic x"]})
        self.assertEqual(error.code, "invalid_api_key")
        self.assertIn("Authorization: Bearer", error.message)

    def test_forbidden(self) -> None:
        """A 403 names the header, what it held, and the setting that would allow it, in printable ASCII."""
        for name, setting in (("Host", "proxy.allowed_hosts"), ("Origin", "proxy.cors_origins")):
            error = self.refusal("off", {name: ["https://évil.example/" + "x" * 500]})
            self.assertEqual(error.status, 403)
            self.assertIn(name, error.message)
            self.assertIn(setting, error.message)
            self.assertTrue(error.message.isascii())
            self.assertTrue(len(error.message) < 300)


class HostTests(SynchronousTestCase):
    """Host while authentication is off: what a page under a foreign name would send after DNS rebinding."""

    def test_allowed(self) -> None:
        """IP literals, localhost and host.docker.internal may be asked for, with and without port; so may nothing."""
        for host in (
            "127.0.0.1",
            "127.0.0.1:8045",
            "192.168.1.20:8045",
            "[::1]",
            "[::1]:8045",
            "[fe80::1]:8045",
            "[::ffff:127.0.0.1]:8045",
            "localhost",
            "localhost:8045",
            "LOCALHOST:8045",
            "localhost:",
            "host.docker.internal",
            "Host.Docker.Internal:8045",
        ):
            self.assertEqual(verdict(door("off"), host=host), 200, host)
        self.assertEqual(verdict(door("off")), 200)

    def test_refused(self) -> None:
        """Every other name is refused, also those that only look like an address."""
        for host in (
            "evil.example",
            "evil.example:8045",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1.evil.example:8045",
            "[::1].evil.example",
            "[::1].evil.example:80",
            "[::1",
            "127.0.0.1%.evil.example",
            "localhost:80:80",
            "localhost:port",
            "localhost:80@evil.example",
            "127.1",
            "2130706433",
            "",
        ):
            self.assertEqual(verdict(door("off"), host=host), 403, host)

    def test_configured(self) -> None:
        """Names of proxy.allowed_hosts are allowed, whatever their case and port."""
        configured = door("off", allowed_hosts=["Agd.Example", "[::5]"])
        for host in ("agd.example", "AGD.example:8045"):
            self.assertEqual(verdict(configured, host=host), 200, host)
        self.assertEqual(verdict(configured, host="x.agd.example"), 403)

    def test_several(self) -> None:
        """One foreign name among several Host headers is enough to refuse."""
        self.assertEqual(verdict(door("off"), host=["evil.example", "localhost"]), 403)
        self.assertEqual(verdict(door("off"), host=["localhost", "evil.example"]), 403)

    def test_hostname(self) -> None:
        """The port is taken off, and nothing else."""
        for host, name in (("A:1", "a"), ("[::1]:1", "[::1]"), ("[::1]", "[::1]"), ("::1", "::1"), ("a:b", "a:b")):
            self.assertEqual(hostname(host), name)


class OriginTests(SynchronousTestCase):
    """Origin while authentication is off."""

    def test_allowed(self) -> None:
        """Loopback pages, programs with schemes of their own, and clients that are no browser may ask."""
        for origin in (
            "http://localhost",
            "http://localhost:3000",
            "https://localhost:8443",
            "http://127.0.0.1:5173",
            "http://127.8.9.10",
            "http://[::1]:8045",
            "vscode-webview://1a2b3c",
            "vscode-file://vscode-app",
            "chrome-extension://abcdef",
            "app://obsidian.md",
            "file://",
        ):
            self.assertEqual(verdict(door("off"), origin=origin), 200, origin)
            self.assertTrue(is_harmless_origin(origin))

    def test_refused(self) -> None:
        """Foreign pages, pages without an origin of their own, and what only looks like loopback are refused."""
        for origin in (
            "null",
            "http://evil.example",
            "https://evil.example",
            "HTTPS://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "http://192.168.1.20",
            "http://[::2]",
            "http://[::1",
            "http://",
        ):
            self.assertEqual(verdict(door("off"), origin=origin), 403, origin)

    def test_configured(self) -> None:
        """Origins of proxy.cors_origins are allowed as they are written, scheme and port included."""
        configured = door("off", cors_origins=["https://app.example"])
        self.assertEqual(verdict(configured, origin="https://app.example"), 200)
        for origin in ("http://app.example", "https://app.example:444", "https://x.app.example"):
            self.assertEqual(verdict(configured, origin=origin), 403, origin)

    def test_several(self) -> None:
        """One foreign origin among several is enough to refuse."""
        self.assertEqual(verdict(door("off"), origin=["http://evil.example", "http://localhost"]), 403)
