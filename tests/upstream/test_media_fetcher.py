"""Fetching over real TLS on the loopback, and all that must never be connected to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import BrowserLikePolicyForHTTPS

from agd.errors import BadRequest
from agd.upstream.documents import Document
from agd.upstream.fetcher import Fetcher
from agd.upstream.pinned import HEAD_BYTES
from agd.upstream.reach import Reach
from tests.upstream.secure_host import PNG, SecureHost, answer, redirect, trusting

PUBLIC = "93.184.215.14"
ROOM = 1000


def always(data: bytes) -> Callable[[str], bytes]:
    """Give the same answer to every path."""
    return lambda path: data


class Names:
    """A resolver that answers each question with the next of its answers, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str) -> Deferred[Sequence[str]]:
        self.asked.append(host)
        return succeed(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


class MemoryTests(SynchronousTestCase):
    """Where connections are made, over a network in memory."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()

    def fetch(self, url: str, names: Callable[[str], Deferred[Sequence[str]]]) -> Deferred[Document]:
        """Begin a fetch."""
        fetcher = Fetcher(self.reactor, names, BrowserLikePolicyForHTTPS())
        return Deferred.fromCoroutine(fetcher.fetch(url, None, ROOM, 20.0))

    def refused(self, fetching: Deferred[Document]) -> BadRequest:
        """Return the error; nothing was connected to."""
        error: BadRequest = self.failureResultOf(fetching, BadRequest).value
        self.assertEqual((error.code, error.param, error.status), ("invalid_image_url", "messages", 400))
        self.assertEqual(self.reactor.tcpClients, [])
        return error

    def test_H02_closed_addresses(self) -> None:
        """A name that leads inside is refused without a connection, whatever else it leads to."""
        for addresses in (
            ["127.0.0.1"], ["169.254.169.254"], ["10.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["fd00:ec2::254"],
            ["fe80::1%eth0"], [PUBLIC, "192.168.0.1"], ["2600::1", "64:ff9b::7f00:1"],
        ):  # fmt: skip
            error = self.refused(self.fetch("https://a.example/secret", Names(addresses)))
            self.assertEqual(error.message, "The document at 'a.example' is not at a public address.")

    def test_H02_closed_literals(self) -> None:
        """An address in the URL is judged like one that a name leads to, without asking any resolver."""
        names = Names([PUBLIC])
        for host in ("127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "[fd00:ec2::254]", "[64:ff9b::1]"):
            self.refused(self.fetch(f"https://{host}/", names))
        self.assertEqual(names.asked, [])

    def test_H02_odd_numbers(self) -> None:
        """An address in an odd form is a name, and refused by what the resolver makes of it."""
        for host in ("2130706433", "0x7f.1", "127.1", "0177.0.0.1"):
            self.refused(self.fetch(f"https://{host}/", Names(["127.0.0.1"])))

    def test_H03_nothing_is_touched(self) -> None:
        """A local path, a file URL and plain http are refused without a look-up."""
        names = Names([PUBLIC])
        for url in (
            "/etc/passwd",
            "file:///etc/passwd",
            "http://a.example/",
            "https://u:p@a.example/",
            "https://a:22/",
        ):
            self.refused(self.fetch(url, names))
        self.assertEqual(names.asked, [])

    def test_H02_connects_to_what_was_checked(self) -> None:
        """The name is resolved once; the connection goes to that address, whatever the name would say then."""
        names = Names([PUBLIC], ["127.0.0.1"])
        fetching = self.fetch("https://a.example/", names)
        self.assertEqual([client[:2] for client in self.reactor.tcpClients], [(PUBLIC, 443)])
        self.assertEqual(names.asked, ["a.example"])
        fetching.cancel()
        self.failureResultOf(fetching, CancelledError)

    def test_next_address(self) -> None:
        """An address that does not answer is followed by the next, three at most, without asking the name again."""
        names = Names([PUBLIC, PUBLIC, "2600::1", "8.8.8.8", "1.1.1.1"])
        fetching = self.fetch("https://a.example/", names)
        tried = []
        for _ in range(3):
            host, _, factory, *_ = self.reactor.tcpClients.pop()
            tried.append(host)
            connector: Any = None
            factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
        self.assertEqual(tried, [PUBLIC, "2600::1", "8.8.8.8"])
        self.assertIn("could not be reached", self.refused(fetching).message)
        self.assertEqual(names.asked, ["a.example"])

    def test_unknown_name(self) -> None:
        """A name that leads nowhere is the client's mistake."""
        self.assertIn("leads nowhere", self.refused(self.fetch("https://a.example/", Names([]))).message)

    def test_time_for_the_name(self) -> None:
        """The time limit holds for a resolver that never answers."""
        fetching = self.fetch("https://a.example/", lambda _: Deferred())
        self.reactor.advance(20)
        self.assertIn("was not there within 20 seconds", self.refused(fetching).message)

    def test_reactor_resolves_by_default(self) -> None:
        """Without a resolver of its own it asks the reactor's."""
        fetching = Deferred.fromCoroutine(Fetcher(self.reactor).fetch("https://a.example/", None, ROOM, 20.0))
        # The memory reactor gives every name the address 0.0.0.0.
        self.assertIn("is not at a public address", self.refused(fetching).message)

    def test_trusts_the_platform_by_default(self) -> None:
        """Without a policy of its own it goes by the certificates that the platform trusts."""
        fetching = Deferred.fromCoroutine(
            Fetcher(self.reactor, Names([PUBLIC])).fetch("https://a.example/", None, 1, 1)
        )
        self.assertEqual(self.reactor.tcpClients[0][:2], (PUBLIC, 443))
        fetching.cancel()
        self.failureResultOf(fetching, CancelledError)

    def test_mistakes_are_not_hidden(self) -> None:
        """A mistake of agd's own is not told as the client's."""
        fetching = self.fetch("https://a.example/", lambda _: fail(ZeroDivisionError()))
        self.failureResultOf(fetching, ZeroDivisionError)


class WireTests(TestCase):
    """Whole fetches from a server on the loopback, which the injected exceptions put in reach."""

    timeout = 20

    def setUp(self) -> None:
        self.host = SecureHost(always(answer()))
        self.host.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.host.stop()))
        self.names = Names(["127.0.0.1"])

    def fetch(
        self, path: str = "/", *, declared: str | None = None, seconds: float = 10.0, name: str = "media.agd.test"
    ) -> Deferred[Document]:
        """Begin a fetch from the server."""
        from twisted.internet import reactor

        reach = Reach(frozenset({("127.0.0.1", self.host.port)}))
        fetcher = Fetcher(reactor, self.names, trusting(), reach)
        url = f"https://{name}:{self.host.port}{path}"
        return Deferred.fromCoroutine(fetcher.fetch(url, declared, ROOM, seconds))

    async def refused(self, words: str, answers: Callable[[str], bytes], **more: Any) -> None:
        """Assert that an answer is refused with these words, and that no connection stays behind."""
        self.host.answers = answers
        failed: Any = self.assertFailure(self.fetch("/secret", **more), BadRequest)
        error = await failed
        self.assertEqual(error.message, f"The document at {more.get('name', 'media.agd.test')!r} {words}.")
        self.assertEqual((error.code, error.param), ("invalid_image_url", "messages"))
        await self.host.emptied()

    async def test_H01_fetches(self) -> None:
        """A document is fetched whole, with its true type."""
        self.assertEqual(await self.fetch("/a%20b?c=%2F"), Document("image/png", PNG))
        self.assertTrue(self.host.requests[0].startswith("GET /a%20b?c=%2F HTTP/1.1\r\n"))

    async def test_H02_headers(self) -> None:
        """Host and SNI are the URL's, and nothing is sent that tells of agd's users: no cookie, no credential."""
        await self.fetch(name="bücher.agd.test")
        head = self.host.requests[0].lower()
        sent = sorted(line.partition(":")[0] for line in head.split("\r\n")[1:] if line)
        self.assertEqual(sent, ["accept", "connection", "host", "user-agent"])
        self.assertIn(f"\r\nhost: xn--bcher-kva.agd.test:{self.host.port}\r\n", head)
        self.assertEqual(self.host.names, [b"xn--bcher-kva.agd.test"])

    async def test_H02_cookies_are_not_kept(self) -> None:
        """A cookie set by one hop is not sent to the next."""
        self.host.answers = lambda path: (
            answer(b"", 302, "Location: /next", "Set-Cookie: a=b; Path=/") if path == "/" else answer()
        )
        await self.fetch()
        self.assertNotIn("cookie", self.host.requests[1].lower())

    async def test_H02_certificate(self) -> None:
        """A host that cannot prove the URL's name is not believed, wherever it stands."""
        await self.refused("could not be reached", always(answer()), name="media.agd.elsewhere")

    async def test_H02_redirects(self) -> None:
        """Up to three redirects are followed, relative ones too, each with a look-up of its own."""
        self.host.answers = lambda path: answer() if path == "/3" else redirect(f"/{int(path[1:]) + 1}")
        await self.fetch("/0")
        self.assertEqual(len(self.host.requests), 4)
        self.assertEqual(self.names.asked, ["media.agd.test"] * 4)

    async def test_H02_too_many_redirects(self) -> None:
        """A fourth redirect is not followed."""
        await self.refused("redirects more than 3 times", always(redirect("/again", 307)))
        self.assertEqual(len(self.host.requests), 4)

    async def test_H02_redirects_inside(self) -> None:
        """A redirect to a closed address, scheme or port is refused, and nothing goes there."""
        for location, words in (
            ("https://127.0.0.1/", "is not at a public address"),
            ("https://169.254.169.254/latest/meta-data/", "is not at a public address"),
            ("https://[fd00:ec2::254]/", "is not at a public address"),
            ("http://169.254.169.254/", "is not an https URL"),
            ("file:///etc/passwd", "is not an https URL"),
            ("https://media.agd.test:22/", "is on a port that is not allowed"),
            ("https://me:pass@media.agd.test/", "has credentials in its URL"),
            ("//127.0.0.1/", "is not at a public address"),
            ("HTTPS://127.0.0.1/", "is not at a public address"),
            ("mailto:me@a.example", "is not an https URL"),
            ("https://[::1", "redirects to something that is no URL"),
            ("", "redirects to nowhere"),
        ):
            self.host.requests.clear()
            await self.refused(words, always(redirect(location)))
            self.assertEqual(len(self.host.requests), 1, location)

    async def test_H02_rebinding(self) -> None:
        """A name that leads outside first and inside after a redirect is checked anew and refused."""
        self.names = Names(["127.0.0.1"], ["127.0.0.2"])
        await self.refused("is not at a public address", always(redirect("/again")))
        self.assertEqual(len(self.host.requests), 1)

    async def test_H02_told_too_large(self) -> None:
        """A body that is told to be too large is not read."""
        await self.refused(f"is larger than {ROOM} bytes", always(answer(b"", length=ROOM + 1)))

    async def test_H02_too_large_without_a_word(self) -> None:
        """A body whose length is not told is read up to the limit only."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        await self.refused(f"is larger than {ROOM} bytes", always(head + chunk + chunk))

    async def test_largest(self) -> None:
        """A body of exactly the limit is taken."""
        body = PNG.ljust(ROOM, b"\0")
        self.host.answers = always(answer(body))
        self.assertEqual((await self.fetch()).data, body)

    async def test_H02_headers_without_end(self) -> None:
        """Headers that never end are cut off."""
        lines = b"X-Filler: " + b"x" * 1000 + b"\r\n"
        flood = b"HTTP/1.1 200 OK\r\n" + lines * ((HEAD_BYTES + ROOM) // len(lines) + 1)
        await self.refused("could not be reached", always(flood))

    async def test_H02_slow(self) -> None:
        """The time limit holds for a head, and for a body, that does not come; the connection is closed."""
        for begun in (b"", b"HTTP/1.1 200 OK\r\n", answer(PNG, length=ROOM)):
            await self.refused("was not there within 0.3 seconds", always(begun), seconds=0.3)

    async def test_cancel(self) -> None:
        """Cancelling while the body comes closes the connection."""
        from twisted.internet import reactor
        from twisted.internet.task import deferLater

        self.host.answers = always(answer(PNG, length=ROOM))
        fetching = self.fetch()
        while not self.host.requests:
            await deferLater(reactor, 0.01)
        await deferLater(reactor, 0.05)
        fetching.cancel()
        await self.assertFailure(fetching, CancelledError)
        await self.host.emptied()

    async def test_bad_answers(self) -> None:
        """An answer that is no document is refused with what is wrong with it."""
        unreadable = "is neither an image, sound, video, PDF nor text"
        for given, words in (
            (answer(b"no", 404), "was answered with status 404"),
            (answer(PNG, 206), "was answered with status 206"),
            (answer(b""), "is empty"),
            (answer(PNG, 200, "Content-Encoding: gzip"), "was sent compressed, which was not asked for"),
            (answer(b"PK\3\4", 200, "Content-Type: application/zip"), unreadable),
            (answer(b"abc"), unreadable),
            (answer(b"abc", 200, "Content-Type: te\xffxt/html"), unreadable),
        ):
            await self.refused(words, always(given))

    async def test_broken_off(self) -> None:
        """A body that ends before its told length is not taken for the whole."""
        self.host.hangs_up = True
        await self.refused("broke off before its end", always(answer(PNG, length=ROOM)))

    async def test_length_unknown(self) -> None:
        """A body that ends with its connection is whole."""
        self.host.answers = always(b"HTTP/1.1 200 OK\r\n\r\n" + PNG)
        self.host.hangs_up = True
        self.assertEqual((await self.fetch()).data, PNG)

    async def test_types(self) -> None:
        """The bytes say the type, then the client, then the server; parameters of a type are left out."""
        for body, declared, header, mime in (
            (PNG, "image/jpeg", "text/html", "text/html"),
            (b"a,b", "text/csv", "application/octet-stream", "text/csv"),
            (b"a,b", None, "text/csv; charset=utf-8", "text/csv"),
            (b"abc", None, "Audio/MPEG", "audio/mp3"),
        ):
            self.host.answers = always(answer(body, 200, f"Content-Type: {header}"))
            expected = "image/png" if body == PNG else mime
            self.assertEqual((await self.fetch(declared=declared)).mime, expected)
