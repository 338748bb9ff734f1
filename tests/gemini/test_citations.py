"""Sources of a text."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Citation, Finished, TextDelta
from tests.gemini.reading import beside, call, chunk, run, text

A = {"web": {"uri": "https://vertexaisearch.example/redirect/AA?x=1%20", "title": "a.example"}}
B = {"web": {"uri": "https://b.example", "title": "b.example"}}


def support(*indices: int, words: str | None = None, **segment: int) -> dict[str, Any]:
    """Write a GroundingSupport."""
    told = {**segment, **({"text": words} if words is not None else {})}
    return {"segment": told, "groundingChunkIndices": list(indices)}


def grounding(*supports: dict[str, Any], chunks: list[Any] | None = None) -> dict[str, Any]:
    """Write a groundingMetadata."""
    return {"groundingChunks": [A, B] if chunks is None else chunks, "groundingSupports": list(supports)}


def cited(*chunks: Any) -> list[Citation]:
    """Return the citations of an answer."""
    return [event for event in run(*chunks) if isinstance(event, Citation)]


def spans(*chunks: Any) -> list[tuple[int, int]]:
    """Return only where the citations stand."""
    return [(citation.start, citation.end) for citation in cited(*chunks)]


def grounded(words: str, *supports: dict[str, Any], chunks: list[Any] | None = None) -> dict[str, Any]:
    """Write a whole answer with its sources."""
    return beside(text(words), finish="STOP", groundingMetadata=grounding(*supports, chunks=chunks))


class GroundingTests(SynchronousTestCase):
    """groundingMetadata."""

    def test_F19_any_chunk(self) -> None:
        """Sources told before, with, or behind the text, in a chunk without text, become citations before the end."""
        told = beside(groundingMetadata=grounding(support(0, startIndex=1, endIndex=3)))
        words, end = chunk(text("abcd")), chunk(finish="STOP")
        for chunks in ((told, words, end), (words, told, end), (words, end, told)):
            events = run(*chunks)
            expected = Citation(1, 3, A["web"]["uri"], "a.example")
            self.assertEqual([type(event) for event in events if event == expected], [Citation])
            self.assertEqual(events[0], TextDelta("abcd"))
            self.assertIsInstance(events[-1], Finished)

    def test_F19_supports_count_sources_over_the_answer(self) -> None:
        """Sources of a later chunk are counted on, and what is told again is told once."""
        first = beside(text("ab"), groundingMetadata=grounding(support(0, endIndex=1), chunks=[A]))
        second = beside(text("cd"), finish="STOP", groundingMetadata=grounding(support(1, endIndex=4), chunks=[B]))
        both = beside(
            text("cd"), finish="STOP", groundingMetadata=grounding(support(0, endIndex=1), support(1, endIndex=4))
        )
        for last in (second, both):
            titles = [(citation.title, citation.end) for citation in cited(first, chunk(), last)]
            self.assertEqual(titles, [("a.example", 1), ("b.example", 4)])

    def test_F20_missing_start(self) -> None:
        """A segment without a start begins at 0; without an end it goes on to the end; no segment is all of it."""
        whole = {"groundingChunkIndices": [1]}
        answer = grounded("abcd", support(0, endIndex=2), support(0, startIndex=1), whole)
        self.assertEqual(spans(answer), [(0, 2), (1, 4), (0, 4)])

    def test_F21_bytes_to_code_points(self) -> None:
        """Offsets count code points, whatever the characters before them take in bytes."""
        words = "äb😀c"  # 2 + 1 + 4 + 1 bytes
        answer = grounded(
            words, support(0, startIndex=2, endIndex=3), support(0, startIndex=3, endIndex=7), support(0, startIndex=7)
        )
        self.assertEqual(spans(answer), [(1, 2), (2, 3), (3, 4)])

    def test_F21_offset_within_a_character(self) -> None:
        """An offset that cuts a character is moved out of it; one behind the text is its end."""
        answer = grounded(
            "ä😀",
            support(0, startIndex=3, endIndex=4),
            support(0, startIndex=1, endIndex=99),
            support(0, startIndex=50),
        )
        self.assertEqual(spans(answer), [(1, 2), (0, 2), (2, 2)])

    def test_F21_offset_within_the_part(self) -> None:
        """Offsets count from the part that is told; the texts before it are added, other parts are counted too."""
        metadata = grounding(support(0, partIndex=3, startIndex=1, endIndex=2))
        parts = [text("hm", thought=True), text("äb"), call(), text("cde")]
        self.assertEqual(spans(beside(*parts, finish="STOP", groundingMetadata=metadata)), [(3, 4)])

    def test_F21_one_part_over_chunks(self) -> None:
        """The pieces of a stream are one part, in which the offsets count on."""
        chunks = [chunk(text("t", thought=True)), chunk(text("h", thought=True)), chunk(text("äb")), chunk(text("cde"))]
        metadata = grounding(support(0, partIndex=1, startIndex=4, endIndex=6))
        self.assertEqual(spans(*chunks, beside(finish="STOP", groundingMetadata=metadata)), [(3, 5)])

    def test_F21_words_decide(self) -> None:
        """Where the part's number is wrong or missing, the segment's words show what is meant."""
        parts = [text("Let me see. "), text("äbc is here, abc")]
        for segment, expected in (
            (support(0, words="is here", startIndex=5, endIndex=12), (16, 23)),  # counted from the second part
            (support(0, words="is here", startIndex=17, endIndex=24), (16, 23)),  # counted from the first
            (support(0, words="abc", partIndex=7, startIndex=900), (25, 28)),  # from nowhere
            (support(0, words="not said", startIndex=2, endIndex=3), (2, 3)),
        ):
            answer = beside(*parts, finish="STOP", groundingMetadata=grounding(segment))
            self.assertEqual(spans(answer), [expected])

    def test_F22_several_sources(self) -> None:
        """Every source of a support is a citation; those that do not exist are none."""
        answer = grounded("abcd", support(0, 1, 2, -1, endIndex=2))
        self.assertEqual([citation.title for citation in cited(answer)], ["a.example", "b.example"])

    def test_F23_documents_and_maps(self) -> None:
        """A source with an address is a URL, whatever its kind; one with only a name is a file; others are none."""
        chunks = [
            {"retrievedContext": {"uri": "gs://b/doc", "title": "doc", "text": "…"}},
            {"retrievedContext": {"title": "mine.pdf", "fileSearchStore": "fileSearchStores/s"}},
            {"retrievedContext": {"fileSearchStore": "fileSearchStores/s", "text": "…"}},
            {"maps": {"uri": "https://maps.example/1", "title": "Café", "placeId": "p"}},
            {"image": {"sourceUri": "https://i.example", "imageUri": "https://i.example/1.png", "domain": "i.example"}},
            {"retrievedContext": {"text": "…"}},
            {"web": 3},
            None,
        ]
        found = cited(grounded("abcd", support(*range(len(chunks)), endIndex=4), chunks=chunks))
        self.assertEqual(
            [(citation.kind, citation.uri, citation.title) for citation in found],
            [
                ("url", "gs://b/doc", "doc"),
                ("file", "", "mine.pdf"),
                ("file", "", "fileSearchStores/s"),
                ("url", "https://maps.example/1", "Café"),
                ("url", "https://i.example", "i.example"),
            ],
        )

    def test_F24_redirects_unchanged(self) -> None:
        """An address is passed on byte for byte."""
        self.assertEqual(cited(grounded("abcd", support(0, endIndex=1)))[0].uri, A["web"]["uri"])

    def test_choices_apart(self) -> None:
        """Every choice has its own text and its own sources."""
        metadata = grounding(support(0, startIndex=2, endIndex=3))
        first = chunk(text("äb"), finish="STOP")
        second = beside(text("ää"), finish="STOP", index=1, groundingMetadata=metadata)
        self.assertEqual([(c.choice, c.start, c.end) for c in cited(first, second)], [(1, 1, 2)])

    @given(
        st.text(min_size=1, max_size=30),
        st.lists(st.integers(0, 30), max_size=4),
        st.integers(0, 30),
        st.integers(0, 30),
    )
    def test_F21_every_span_holds_its_words(self, words: str, cuts: list[int], one: int, two: int) -> None:
        """However a stream is cut, a span in code points selects what the bytes selected."""
        start, end = sorted((min(one, len(words)), min(two, len(words))))
        borders = [0, *sorted(min(cut, len(words)) for cut in cuts), len(words)]
        chunks = [chunk(text(words[a:b])) for a, b in pairwise(borders)]
        first, last = len(words[:start].encode()), len(words[:end].encode())
        metadata = grounding(support(0, startIndex=first, endIndex=last))
        self.assertEqual(spans(*chunks, beside(finish="STOP", groundingMetadata=metadata)), [(start, end)])


class RecitationTests(SynchronousTestCase):
    """citationMetadata."""

    def test_F25_both_spellings(self) -> None:
        """What the model recited is cited too, in bytes of the whole text, told again or not."""
        source = {"startIndex": 2, "endIndex": 5, "uri": "https://c.example", "license": "mit"}
        for key in ("citationSources", "citations"):
            told = {key: [source, {"endIndex": 1, "title": "Book"}, {"endIndex": 3, "license": "mit"}, 3]}
            answer = cited(
                beside(text("äb"), citationMetadata=told), beside(text("cde"), finish="STOP", citationMetadata=told)
            )
            self.assertEqual(answer, [Citation(1, 4, "https://c.example", ""), Citation(0, 1, "", "Book", "file")])
