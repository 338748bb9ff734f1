"""Signatures and the provider's own parts, out in answers and back in requests (C01-C07, B44)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Code,
    CodePart,
    Event,
    Finished,
    FinishReason,
    Media,
    MediaPart,
    Opaque,
    OpaquePart,
    Part,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
)
from agd.options import Options
from agd.protocols.chat.answer import render
from agd.protocols.chat.request import LEGACY
from tests.protocols.answers import call, context, fold
from tests.protocols.chat.asking import parts, turns
from tests.protocols.chat.drawn import conversations
from tests.protocols.chat.test_pieces import both
from tests.protocols.refusals import refusal_of

STOP = Finished(FinishReason.STOP, "STOP")
SEARCH = {"toolCall": {"id": "s", "args": {"q": [1, None]}}, "thoughtSignature": "cw=="}


def echoed(self: SynchronousTestCase, events: list[Event]) -> tuple[dict[str, Any], list[Part]]:
    """Return an answer's message and the parts that it is read as when the client sends it back."""
    message = both(self, [*events, STOP])[0]["message"]
    return message, parts(message)


def _replayed(given: list[Part]) -> list[Part]:
    """Return what shall come back of an answer's parts: signed thoughts, then the rest as if there were none."""
    rest: list[Part] = []
    for part in given:
        last = rest[-1] if rest else None
        if isinstance(part, Text) and part.text and isinstance(last, Text) and last.signature is None:
            rest[-1] = Text(last.text + part.text, part.signature)
        elif not isinstance(part, Thought):
            rest.append(part)
    return [*(part for part in given if isinstance(part, Thought) and part.signature is not None), *rest]


class MemoryTests(SynchronousTestCase):
    """There and back again."""

    def test_C01_calls(self) -> None:
        """A call's signature stands where Google's clients look for it and comes back with the call."""
        message, found = echoed(self, [*call(0, "f", "{}", signature="S1"), *call(1, "g", "{}")])
        first, second = message["tool_calls"]
        self.assertEqual(first["extra_content"], {"google": {"thought_signature": "S1"}})
        self.assertNotIn("extra_content", second)
        self.assertNotIn("extra_content", message)
        self.assertEqual(found, [ToolCall("call_0", "f", "{}", "S1"), ToolCall("call_1", "g", "{}")])

    def test_C01_legacy(self) -> None:
        """The one call of the old protocol keeps its signature too."""
        about = context(echo={LEGACY: True})
        (choice,) = both(self, [*call(0, "f", "{}", signature="S1"), Finished(FinishReason.TOOL_CALLS, "STOP")], about)
        (found,) = parts(choice["message"])
        self.assertEqual(getattr(found, "signature", None), "S1")

    def test_C02_clients_that_forget(self) -> None:
        """A client that drops the extension, or empties it, is read without a signature."""
        message, _ = echoed(self, call(0, "f", "{}", signature="S1"))
        del message["tool_calls"][0]["extra_content"]
        extras: list[Any] = [None, {}, {"google": None}, {"google": {}}]
        for extra in extras:
            self.assertEqual(parts({**message, "extra_content": extra}), [ToolCall("call_0", "f", "{}")])

    def test_C03_ids_stay_short(self) -> None:
        """A signature, however long, is not part of a call's id, which clients cut and rewrite."""
        signature = "c2ln" * 500
        message, found = echoed(self, call(0, "f", "{}", signature=signature))
        self.assertEqual(message["tool_calls"][0]["id"], "call_0")
        self.assertEqual(found, [ToolCall("call_0", "f", "{}", signature)])

    def test_C05_borders(self) -> None:
        """Signed texts come back as the parts that they were, never merged with their neighbours."""
        events: list[Event] = [
            TextDelta("a", signature="S1"),
            TextDelta("b"),
            TextDelta("c", signature="S2"),
            TextDelta("d"),
        ]
        message, found = echoed(self, events)
        self.assertEqual(message["content"], "abcd")
        self.assertEqual(message["extra_content"]["google"]["thought_signature"], "S2")
        self.assertEqual(found, [Text("a", "S1"), Text("bc", "S2"), Text("d")])

    def test_C06_empty_text(self) -> None:
        """A signature on an empty text comes back on an empty text, in its place."""
        _, found = echoed(self, [TextDelta("abc"), TextDelta("", signature="S")])
        self.assertEqual(found, [Text("abc"), Text("", "S")])
        _, alone = echoed(self, [*call(0, "f", "{}"), TextDelta("", signature="S")])
        self.assertEqual(alone, [ToolCall("call_0", "f", "{}"), Text("", "S")])

    def test_C07_text_and_images(self) -> None:
        """Signatures of plain text and of images come back with them, in the order of the answer."""
        message, found = echoed(self, [TextDelta("a", signature="S1")])
        self.assertEqual(message["extra_content"], {"google": {"thought_signature": "S1"}})
        self.assertEqual(found, [Text("a", "S1")])
        image = MediaPart("image/png", "iVBORw0KGgo=", signature="S2")
        message, found = echoed(self, [image, TextDelta("a", signature="S1")])
        self.assertEqual(message["images"][0]["extra_content"], {"google": {"thought_signature": "S2"}})
        self.assertEqual(found, [Media("image/png", data="iVBORw0KGgo=", signature="S2"), Text("a", "S1")])

    def test_C07_signed_code(self) -> None:
        """Code that is signed comes back as the part that it was, shown or hidden; unsigned code as the text it was."""
        ran, said = CodePart("x", "python", signature="S", id="r"), CodePart("no", "", True, outcome="FAILED", id="r")
        events: list[Event] = [TextDelta("a"), ran, said, TextDelta("b"), STOP]
        expected = [
            Text("a"),
            Code("x", "python", signature="S", id="r"),
            Code("no", "", True, outcome="FAILED", id="r"),
            Text("b"),
        ]
        (shown,) = both(self, events)
        self.assertEqual(shown["message"]["content"], "a\n```python\nx\n```\n\n```failed\nno\n```\nb")
        self.assertEqual(parts(shown["message"]), expected)
        (hidden,) = both(self, events, context(options=Options(code="hidden")))
        self.assertEqual(hidden["message"]["content"], "ab")
        self.assertEqual(parts(hidden["message"]), expected)
        message, found = echoed(self, [TextDelta("a"), CodePart("x"), TextDelta("b")])
        self.assertNotIn("extra_content", message)
        self.assertEqual(found, [Text(message["content"])])

    def test_C07_changed_code(self) -> None:
        """Code that the client has changed since is read as the client wrote it, also when its length is the same."""
        message, _ = echoed(self, [CodePart("x", "python", signature="S"), TextDelta("b")])
        changed = message["content"].replace("x", "y")
        self.assertEqual(parts({**message, "content": changed}), [Text(changed)])

    def test_C07_image_blocks(self) -> None:
        """An image in the content of an assistant's message may carry its signature as well."""
        block = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        signed = {**block, "extra_content": {"google": {"thought_signature": "S"}}}
        self.assertEqual(getattr(parts({"role": "assistant", "content": [signed]})[0], "signature", None), "S")

    def test_C13_signed_thoughts(self) -> None:
        """Signed thoughts come back, unsigned ones do not."""
        events: list[Event] = [ThoughtDelta("a"), ThoughtDelta("b", signature="S"), TextDelta("x"), ThoughtDelta("c")]
        _, found = echoed(self, events)
        self.assertEqual(found, [Thought("ab", "S"), Text("x")])

    def test_B44_own_parts(self) -> None:
        """The provider's own parts come back untouched, in their place."""
        message, found = echoed(self, [OpaquePart(SEARCH), TextDelta("a")])
        self.assertEqual(message["extra_content"], {"google": {"parts": [SEARCH]}})
        self.assertEqual(found, [Opaque(SEARCH), Text("a")])
        _, found = echoed(self, [TextDelta("a"), OpaquePart(SEARCH), TextDelta("b")])
        self.assertEqual(found, [Text("a"), Opaque(SEARCH), Text("b")])

    def test_changed_messages(self) -> None:
        """A message that no longer fits its order is read as it stands, its signature on the last text."""
        events: list[Event] = [TextDelta("a", signature="S1"), *call(0, "f", "{}"), TextDelta("b", signature="S2")]
        message, _ = echoed(self, events)
        called = ToolCall("call_0", "f", "{}")
        self.assertEqual(parts({**message, "content": "other"}), [Text("other", "S2"), called])
        blocks = [{"type": "text", "text": "ab"}]
        self.assertEqual(parts({**message, "content": blocks}), [Text("ab", "S2"), called])
        self.assertEqual(parts({**message, "tool_calls": None}), [Text("ab", "S2")])
        two = [*message["tool_calls"], {**message["tool_calls"][0], "id": "c2"}]
        self.assertEqual(len(parts({**message, "tool_calls": two})), 3)
        self.assertEqual(parts({**message, "content": None, "tool_calls": None}), [Text("", "S2")])

    def test_broken_extensions(self) -> None:
        """An extension of wrong types is refused by its path; an order that names nothing is passed over."""
        cases: list[tuple[dict[str, Any], str]] = [
            ({"thought_signature": 1}, "thought_signature"),
            ({"parts": [1]}, "parts[0]"),
            ({"thoughts": [{"text": "a"}]}, "thoughts[0].thought_signature"),
            ({"order": [{"text": -1}]}, "order[0].text"),
        ]
        for google, place in cases:
            message = {"role": "assistant", "content": "a", "extra_content": {"google": google}}
            self.assertEqual(refusal_of(turns, message).param, f"messages[0].extra_content.google.{place}")
        orders: list[Any] = [[{}], [{"image": 3}], [{"tool_call": None}], [{"text": 1}, {"opaque": 0}]]
        for order in orders:
            message = {"role": "assistant", "content": "a", "extra_content": {"google": {"order": order}}}
            self.assertEqual(parts(message), [Text("a")])

    @given(conversations())
    def test_C05_whole_turns(self, drawn: tuple[int, list[list[Event]]]) -> None:
        """A turn that has anything signed, or parts of the provider's own, comes back as the parts that it was."""
        shown = (TextDelta, ThoughtDelta, OpaquePart)
        events: list[Event] = [
            event
            for piece in drawn[1]
            for event in piece
            if (isinstance(event, shown) or (isinstance(event, CodePart) and event.signature)) and not event.choice
        ]
        events.append(STOP)
        answer = fold(events)
        expected = _replayed(answer.choices[0].parts)
        message = render(answer, context())["choices"][0]["message"]
        found = parts(message)
        if "extra_content" in message:
            self.assertEqual([part for part in found if part != Text("")], expected)

    @given(st.text(max_size=20), st.text(max_size=20))
    def test_two_texts(self, first: str, second: str) -> None:
        """Two texts of which the first is signed come back as two, whatever they hold."""
        _, found = echoed(self, [TextDelta(first, signature="S"), TextDelta(second)])
        self.assertEqual(
            [part for part in found if part != Text("")], [Text(first, "S"), *([Text(second)] if second else [])]
        )
