"""Media that a prompt names by their address."""

from __future__ import annotations

from base64 import b64encode

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media, Message, Prompt, Text, ToolCall, ToolResult
from agd.errors import BadRequest
from agd.options import DEFAULT
from agd.upstream import media
from agd.upstream.documents import Document
from agd.upstream.media import fetch_media
from tests.upstream.secure_host import PNG

DATA = b64encode(PNG).decode()
KEPT = (
    "gs://bucket/a.png",
    "https://generativelanguage.googleapis.com/v1beta/files/abc",
    "https://www.youtube.com/watch?v=x",
    "https://youtu.be/x",
)


@define
class Library:
    """A source whose documents come when the test says so."""

    pending: dict[str, Deferred[Document]] = field(factory=dict)
    asked: list[tuple[str, str | None, int, float]] = field(factory=list)
    cancelled: list[str] = field(factory=list)

    async def fetch(self, url: str, declared: str | None, max_bytes: int, seconds: float) -> Document:
        """Wait for the test."""
        self.asked.append((url, declared, max_bytes, seconds))
        self.pending[url] = Deferred(lambda _: self.cancelled.append(url))
        return await self.pending[url]

    def give(self, url: str, data: bytes = PNG) -> None:
        """Let a document come."""
        self.pending.pop(url).callback(Document("image/png", data))

    @property
    def urls(self) -> list[str]:
        """The URLs asked for so far."""
        return [url for url, *_ in self.asked]


def asked(*parts: Media | Text | ToolCall | ToolResult) -> Prompt:
    """Make a prompt of one turn."""
    return Prompt("m", (Message("user", parts),))


def link(name: str = "a") -> Media:
    """Make a medium by its address."""
    return Media(None, uri=f"https://{name}.example/")


class FetchTests(SynchronousTestCase):
    """What is fetched, and what becomes of it."""

    def setUp(self) -> None:
        self.library = Library()

    def fetch(self, prompt: Prompt, *, allowed: bool = True) -> Deferred[Prompt]:
        """Begin."""
        options = evolve(DEFAULT, fetch_urls=allowed, fetch_max_bytes=99, fetch_seconds=7.0)
        return Deferred.fromCoroutine(fetch_media(prompt, self.library, options))

    def refused(self, fetching: Deferred[Prompt]) -> str:
        """Return the words of the error."""
        error: BadRequest = self.failureResultOf(fetching, BadRequest).value
        self.assertEqual((error.code, error.param), ("invalid_image_url", "messages"))
        return error.message

    def test_H01_inlined(self) -> None:
        """An address is replaced by its document, whose own type counts; all else of the medium and turn stays."""
        original = evolve(link(), detail="high", signature="S")
        kept = Media(None, uri=KEPT[0])
        fetching = self.fetch(asked(Text("see"), original, kept))
        self.library.give("https://a.example/")
        expected = Media("image/png", data=DATA, detail="high", signature="S")
        self.assertEqual(self.successResultOf(fetching), asked(Text("see"), expected, kept))
        self.assertEqual(self.library.asked, [("https://a.example/", None, 99, 7.0)])

    def test_H01_in_results_and_lists(self) -> None:
        """Media in tool results and in every conversation of a prompt list are replaced too."""
        result = ToolResult("call", (Text("x"), link("b")))
        plain = Message("user", (Text("hi"),))
        prompt = evolve(asked(result), further=((plain,), (plain, Message("user", (link("c"),)))))
        fetching = self.fetch(prompt)
        self.library.give("https://b.example/")
        self.library.give("https://c.example/")
        found = Media("image/png", data=DATA)
        done = self.successResultOf(fetching)
        self.assertEqual(done.messages, (Message("user", (ToolResult("call", (Text("x"), found)),)),))
        self.assertEqual(done.further, ((plain,), (plain, Message("user", (found,)))))
        self.assertIs(done.further[1][0], plain)

    def test_H01_what_the_provider_reads(self) -> None:
        """Cloud Storage, Files API and YouTube addresses stay; what looks like them is fetched."""
        prompt = asked(*(Media(None, uri=uri) for uri in KEPT))
        self.assertIs(self.successResultOf(self.fetch(prompt)), prompt)
        alike = (
            "https://youtube.com.example/x", "https://generativelanguage.googleapis.com/v1beta/models",
            "http://youtu.be/x", "https://me@youtu.be/x", "https://[::1", "file:///files/x",
        )  # fmt: skip
        fetching = self.fetch(asked(*(Media(None, uri=uri) for uri in alike)))
        for url in alike:
            self.library.give(url)
        self.assertEqual(self.library.urls, list(alike))
        self.successResultOf(fetching)

    def test_nothing_to_fetch(self) -> None:
        """A prompt whose media are all inside it is returned itself, also where fetching is turned off."""
        prompt = asked(
            Text("hi"), Media("image/png", data=DATA), Media("image/png", data=DATA, uri="https://a.example/")
        )
        self.assertIs(self.successResultOf(self.fetch(prompt, allowed=False)), prompt)

    def test_H02_turned_off(self) -> None:
        """Where fetching is turned off an address is refused and not asked."""
        self.assertIn("not fetched here", self.refused(self.fetch(asked(link()), allowed=False)))
        self.assertEqual(self.library.asked, [])

    def test_H14_once_each(self) -> None:
        """The same address is fetched once, and all its places share the one text; a declared type is told."""
        fetching = self.fetch(asked(link(), evolve(link(), mime="image/gif"), ToolResult("call", (link(),)), link()))
        self.assertEqual(self.library.asked, [("https://a.example/", "image/gif", 99, 7.0)])
        self.library.give("https://a.example/")
        first, second, result, last = self.successResultOf(fetching).messages[0].parts
        assert isinstance(first, Media) and isinstance(second, Media) and isinstance(last, Media)
        assert isinstance(result, ToolResult) and isinstance(result.output[0], Media)
        self.assertEqual(first.data, DATA)
        for other in (second, last, result.output[0]):
            self.assertIs(other.data, first.data)

    def test_H14_a_few_at_a_time(self) -> None:
        """No more than a few fetches run at once; each that ends makes room for the next, order does not matter."""
        names = [f"n{number}" for number in range(media.PARALLEL + 2)]
        fetching = self.fetch(asked(*map(link, names)))
        self.assertEqual(len(self.library.asked), media.PARALLEL)
        self.library.give("https://n2.example/", PNG + b"2")
        self.assertEqual(len(self.library.asked), media.PARALLEL + 1)
        for name in (n for n in names if n != "n2"):
            self.library.give(f"https://{name}.example/", PNG)
        parts = self.successResultOf(fetching).messages[0].parts
        self.assertEqual(len(self.library.urls), len(names))
        self.assertEqual([isinstance(part, Media) and part.data == DATA for part in parts].index(False), 2)

    def test_H14_memory_is_bounded(self) -> None:
        """Documents that are too large together, or too many, are refused."""
        self.patch(media, "MAX_TOTAL_BYTES", 3 * len(PNG))
        errand = media._Errand(self.library, DEFAULT, left=2 * len(PNG))
        fetching = Deferred.fromCoroutine(errand.run(dict.fromkeys(["a", "b", "c"])))
        for url in "abc":
            self.library.give(url)
        self.failureResultOf(fetching, BadRequest)
        many = asked(*(link(f"n{number}") for number in range(media.MAX_URLS + 1)))
        self.library.asked.clear()
        self.assertIn("at most 500", self.refused(self.fetch(many)))
        self.assertEqual(self.library.asked, [])

    def test_first_failure_ends_all(self) -> None:
        """The first document that fails is told as it is; the others are ended, those that wait never start."""
        fetching = self.fetch(asked(*(link(f"n{number}") for number in range(media.PARALLEL + 1))))
        error = BadRequest("no", param="messages", code="invalid_image_url")
        self.library.pending["https://n1.example/"].errback(error)
        self.assertIs(self.failureResultOf(fetching, BadRequest).value, error)
        self.assertEqual(sorted(self.library.cancelled), [f"https://n{number}.example/" for number in (0, 2, 3)])
        self.assertEqual(len(self.library.urls), media.PARALLEL)

    def test_cancel(self) -> None:
        """Cancelling ends every fetch."""
        fetching = self.fetch(asked(link("a"), link("b")))
        fetching.cancel()
        self.failureResultOf(fetching, CancelledError)
        self.assertEqual(sorted(self.library.cancelled), ["https://a.example/", "https://b.example/"])
