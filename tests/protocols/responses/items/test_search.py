"""Searches of the web that the provider made."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Details, Event, OpaquePart, TextDelta
from agd.protocols.responses.narration import Narration
from tests.protocols.answers import TOKEN
from tests.protocols.responses.telling import SOURCES, STOP, asking, kinds, narrate, output, recorded, told

BEGINS = OpaquePart({"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "s", "args": {"queries": ["a", "b"]}}})
ENDS = OpaquePart({"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "id": "s", "response": {}}})
GROUNDING = Details(
    {
        "groundingMetadata": {
            "webSearchQueries": ["a"],
            "groundingChunks": [{"web": {"uri": "https://a.example/"}}, {"retrievedContext": {"title": "t"}}],
        }
    }
)


def searches(*events: Event, include: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return the searches of an answer."""
    items = output(narrate(Narration(asking(*include)), [*events, STOP]))
    return [item for item in items if item["type"] == "web_search_call"]


class SearchTests(SynchronousTestCase):
    """web_search_call."""

    def test_I20_as_it_happens(self) -> None:
        """A search that the provider shows is told with its events, before the words made from it."""
        events = told(BEGINS, ENDS, TextDelta("x"), GROUNDING, STOP)
        steps = [f"web_search_call.{step}" for step in ("in_progress", "searching", "completed")]
        self.assertEqual(kinds(events)[2:7], ["output_item.added", *steps, "output_item.done"])
        (made,) = [item for item in output(events) if item["type"] != "message"]
        action = {"type": "search", "query": "a", "queries": ["a", "b"]}
        self.assertEqual((made["id"], made["status"], made["action"]), (f"ws_{TOKEN}_0", "completed", action))

    def test_I20_at_the_end(self) -> None:
        """Searches of which only the sources tell are told at the end."""
        events = told(TextDelta("x"), GROUNDING, STOP)
        self.assertEqual([item["type"] for item in output(events)], ["message", "web_search_call"])
        self.assertEqual(output(events)[1]["action"]["queries"], ["a"])

    def test_I32_sources(self) -> None:
        """A client that wants the sources is told all searches as one, when these are known."""
        (made,) = searches(BEGINS, ENDS, TextDelta("x"), GROUNDING, include=(SOURCES,))
        source = {"type": "url", "url": "https://a.example/"}
        self.assertEqual(made["action"], {"type": "search", "query": "a", "queries": ["a", "b"], "sources": [source]})

    def test_no_end(self) -> None:
        """A search whose end is not told ends with what follows it."""
        self.assertEqual([item["status"] for item in searches(BEGINS, TextDelta("x"))], ["completed"])

    def test_no_search(self) -> None:
        """Sources of the user's own documents are no search of the web, nor is another tool, nor a page read."""
        documents = Details({"groundingMetadata": {"groundingChunks": [{"retrievedContext": {"title": "t"}}]}})
        other = OpaquePart({"toolCall": {"toolType": "FILE_SEARCH", "id": "f"}})
        pages = Details({"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/"}}]}})
        for details in (documents, pages):
            self.assertEqual(searches(other, TextDelta("x"), details), [])

    def test_recorded(self) -> None:
        """Real answers with searches tell each of them."""
        wanted = {
            "pai-test-function-tools-with-builtin-tools-0": ["current weather in Tokyo"],
            "pai-test-tool-output-with-builtin-tools-0": ["largest city in Mexico by population"],
        }
        for name, events in recorded():
            if name in wanted:
                found = [item for item in output(told(*events)) if item["type"] == "web_search_call"]
                self.assertEqual([item["action"]["queries"] for item in found], [wanted.pop(name)])
        self.assertEqual(wanted, {})
