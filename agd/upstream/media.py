"""Pictures and documents that a prompt names by their address: fetched and put in its place (H01, H14)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, DeferredSemaphore, FirstError, gatherResults
from twisted.python.failure import Failure

from agd.conversation import Media, Message, Part, Prompt, ToolResult
from agd.errors import BadRequest
from agd.gemini.media import readable_address
from agd.options import DEFAULT, Options
from agd.upstream.documents import Document

PARALLEL = 4
"""How many documents of one request are fetched at a time."""
MAX_URLS = 500
"""How many different documents a request may name: as many as OpenAI takes images."""
MAX_TOTAL_BYTES = 78_643_200
"""Most bytes of all documents of a request together: in base64 they are the 100 MiB that the provider takes inline."""


class Source(Protocol):
    """Where documents come from: ``Fetcher``, or a test's own."""

    async def fetch(self, url: str, declared: str | None, max_bytes: int, seconds: float) -> Document:
        """Fetch one document. Raises ``BadRequest``."""


async def fetch_media(prompt: Prompt, fetcher: Source, options: Options = DEFAULT) -> Prompt:
    """Return a prompt whose media are all inside it, or at an address that the provider reads itself.

    Files API, YouTube and ``gs://`` addresses stay; every other address is fetched, each once. A prompt without any
    is returned itself. Raises ``BadRequest`` ``invalid_image_url`` for the first that fails, and ends the others; also
    where fetching is turned off. Cancelling ends all.
    """
    wanted = _addresses(prompt)
    if not wanted:
        return prompt
    if not options.fetch_urls:
        raise _bad("Media must be sent inside the request, as base64 data: their URLs are not fetched here.")
    if len(wanted) > MAX_URLS:
        raise _bad(f"The request names {len(wanted)} documents by their URLs; at most {MAX_URLS} are fetched.")
    found = await _Errand(fetcher, options).run(wanted)
    return evolve(
        prompt,
        messages=_filled(prompt.messages, found),
        further=tuple(_filled(messages, found) for messages in prompt.further),
    )


@define(eq=False)
class _Errand:
    """The fetches of one request."""

    _source: Source
    _options: Options
    _left: int = MAX_TOTAL_BYTES
    _failed: bool = False
    _gate: DeferredSemaphore = field(factory=lambda: DeferredSemaphore(PARALLEL))

    async def run(self, wanted: Mapping[str, str | None]) -> dict[str, Media]:
        """Fetch all, a few at a time; however it ends, nothing goes on behind it."""
        fetches = [self._gate.run(self._start, url, mime) for url, mime in wanted.items()]
        try:
            found = await gatherResults(fetches, consumeErrors=True)
        except FirstError as first:
            first.subFailure.raiseException()
        finally:
            for fetch in fetches:
                fetch.cancel()
        return dict(zip(wanted, found, strict=True))

    def _start(self, url: str, mime: str | None) -> Deferred[Media]:
        if self._failed:
            # A failure has made room for this one before it is known to ``run``, which then cancels it.
            return Deferred()
        return Deferred.fromCoroutine(self._fetch(url, mime)).addErrback(self._fail)

    def _fail(self, failure: Failure) -> Failure:
        self._failed = True
        return failure

    async def _fetch(self, url: str, mime: str | None) -> Media:
        options = self._options
        document = await self._source.fetch(url, mime, options.fetch_max_bytes, options.fetch_seconds)
        self._left -= len(document.data)
        if self._left < 0:
            raise _bad(f"The documents of the request are larger than {MAX_TOTAL_BYTES} bytes together.")
        return Media(document.mime, data=b64encode(document.data).decode("ascii"))


def _addresses(prompt: Prompt) -> dict[str, str | None]:
    """Return every address to fetch once, in order, with the type that the client declared for it."""
    wanted: dict[str, str | None] = {}
    for messages in (prompt.messages, *prompt.further):
        for message in messages:
            for media in _media(message.parts):
                if media.uri is not None and media.data is None and readable_address(media.uri) is None:
                    wanted[media.uri] = wanted.get(media.uri) or media.mime
    return wanted


def _media(parts: Iterable[Part]) -> Iterator[Media]:
    for part in parts:
        if isinstance(part, Media):
            yield part
        elif isinstance(part, ToolResult):
            yield from (piece for piece in part.output if isinstance(piece, Media))


def _filled(messages: tuple[Message, ...], found: Mapping[str, Media]) -> tuple[Message, ...]:
    return tuple(
        evolve(message, parts=tuple(_part(part, found) for part in message.parts))
        if any(media.uri in found for media in _media(message.parts))
        else message
        for message in messages
    )


def _part(part: Part, found: Mapping[str, Media]) -> Part:
    if isinstance(part, Media):
        return _inside(part, found)
    if isinstance(part, ToolResult):
        return evolve(part, output=tuple(_inside(p, found) if isinstance(p, Media) else p for p in part.output))
    return part


def _inside(media: Media, found: Mapping[str, Media]) -> Media:
    """Put the document in the place of its address; the level of detail and the signature stay."""
    document = found.get(media.uri or "")
    if document is None or media.data is not None:
        return media
    return evolve(media, mime=document.mime, data=document.data, uri=None)


def _bad(message: str) -> BadRequest:
    return BadRequest(message, param="messages", code="invalid_image_url")
