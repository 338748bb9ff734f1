"""From ``groundingMetadata`` and ``citationMetadata`` of a candidate to citations of its text.

Sources and what they support may come with any chunk, before or behind the text they speak of, once or again with
every chunk; the numbers of sources count over the whole answer (``GroundingSupport``, v1beta). So everything is
gathered, and told when the text is complete. URIs are passed on as they are, the provider's redirects too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Citation
from agd.gemini.visible import Measured, Span, VisibleText


@define
class Sources:
    """What one candidate told of its sources. ``grounding`` is kept whole, for those who want the details."""

    grounding: dict[str, Any] = field(factory=dict)
    _recited: dict[str, Any] = field(factory=dict)

    def ground(self, metadata: object) -> None:
        """Take one ``groundingMetadata``."""
        grow(self.grounding, metadata)

    def recite(self, metadata: object) -> None:
        """Take one ``citationMetadata``."""
        grow(self._recited, metadata)

    def citations(self, text: VisibleText, choice: int) -> list[Citation]:
        """Return every citation once, in the order in which the provider told them."""
        if not (self.grounding or self._recited):
            return []
        measured = text.measured()
        found = [*self._grounded(measured), *self._repeated(measured)]
        return [Citation(*span, *source, choice) for span, source in dict.fromkeys(found)]

    def _grounded(self, text: Measured) -> Iterator[tuple[Span, _Source]]:
        """Yield one citation for each source of each support."""
        sources = [_source(chunk) for chunk in _list(self.grounding.get("groundingChunks"))]
        for support in _list(self.grounding.get("groundingSupports")):
            span = _span(_object(support).get("segment"), text)
            for index in _list(_object(support).get("groundingChunkIndices")):
                source = sources[index] if isinstance(index, int) and 0 <= index < len(sources) else None
                if source is not None:
                    yield span, source

    def _repeated(self, text: Measured) -> Iterator[tuple[Span, _Source]]:
        """Yield what the model recited: ``citationSources``, in Vertex AI ``citations``; bytes of the whole text."""
        for key in ("citationSources", "citations"):
            for citation in map(_object, _list(self._recited.get(key))):
                if (source := _named(citation)) is not None:
                    end = citation.get("endIndex")
                    start = _offset(citation.get("startIndex"))
                    yield text.within(start, None if end is None else _offset(end)), source


_Source = tuple[str, str, str]
"""URI, title, and kind of a citation."""


def grow(known: dict[str, Any], told: object) -> None:
    """Add what a chunk tells to what the chunks before it told, key by key; nothing told is ever taken back.

    A list goes on where the one before it ended, unless it repeats that one from its beginning.
    """
    for key, value in told.items() if isinstance(told, dict) else ():
        before = known.get(key)
        if isinstance(before, list) and isinstance(value, list):
            known[key] = _joined(before, value)
        elif value or key not in known:
            known[key] = value


def _joined(before: list[Any], value: list[Any]) -> list[Any]:
    shared = min(len(before), len(value))
    if before[:shared] == value[:shared]:
        return value if len(value) > len(before) else before
    return before + value


def _span(segment: object, text: Measured) -> Span:
    """Read a ``Segment``; proto JSON leaves out a number that is 0. Without one, the whole text is meant."""
    if not isinstance(segment, dict):
        return text.within(0, None)
    words = segment.get("text")
    end = segment.get("endIndex")
    return text.span(
        _offset(segment.get("partIndex")),
        _offset(segment.get("startIndex")),
        None if end is None else _offset(end),
        words if isinstance(words, str) else "",
    )


def _source(chunk: object) -> _Source | None:
    """Read a ``GroundingChunk``: the one object in it is the source (``web``, ``maps``, ``retrievedContext``, …)."""
    inner = next((value for value in _object(chunk).values() if isinstance(value, dict)), None)
    return None if inner is None else _named(inner)


def _named(source: Mapping[str, Any]) -> _Source | None:
    """Name a source; one without an address is a document of the user's own, and one without a name is none."""
    uri = _first(source, "uri", "sourceUri", "imageUri")
    title = _first(source, "title", "documentName", "fileSearchStore", "domain")
    return (uri, title, "url" if uri else "file") if uri or title else None


def _first(source: Mapping[str, Any], *keys: str) -> str:
    texts = (source.get(key) for key in keys)
    return next((text for text in texts if isinstance(text, str) and text), "")


def _offset(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
