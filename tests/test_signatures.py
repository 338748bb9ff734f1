"""Thought signatures kept for clients that do not give them back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Event,
    Message,
    Prompt,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    ToolResult,
)
from agd.signatures.calls import observe, restore
from agd.signatures.store import SignatureStore

DAY = 86_400.0


def asked(*calls: ToolCall, further: tuple[ToolCall, ...] = ()) -> Prompt:
    """Make a prompt that replays calls."""
    results = tuple(ToolResult(call.id, (Text("done"),)) for call in calls)
    messages = (Message("user", (Text("hi"),)), Message("assistant", calls), Message("user", results))
    return Prompt("m", messages, further=((Message("assistant", further),),) if further else ())


def signatures(prompt: Prompt) -> list[str | None]:
    """Return the signatures of all calls in order."""
    conversations = (prompt.messages, *prompt.further)
    parts = [part for messages in conversations for message in messages for part in message.parts]
    return [part.signature for part in parts if isinstance(part, ToolCall)]


class StoreTests(SynchronousTestCase):
    """What is kept, for whom, and how long."""

    def test_C02_remembers(self) -> None:
        """A call's signature is there again for its owner; the last one told counts."""
        store = SignatureStore(10, DAY)
        store.remember("ann", "call_1", "S1", 0)
        store.remember("ann", "call_1", "S2", 1)
        self.assertEqual(store.recall("ann", "call_1", 2), "S2")
        self.assertIsNone(store.recall("ann", "call_2", 2))

    def test_C02_owners_are_apart(self) -> None:
        """Nobody gets another's signature, however names and ids are put together."""
        store = SignatureStore(10, DAY)
        store.remember("ann", "bob/call", "S", 0)
        self.assertIsNone(store.recall("bob", "bob/call", 0))
        self.assertIsNone(store.recall("ann/bob", "call", 0))

    def test_C02_ends(self) -> None:
        """What nobody has used for the time set is gone; using it counts as new."""
        store = SignatureStore(10, 10)
        store.remember("ann", "a", "A", 0)
        store.remember("ann", "b", "B", 0)
        self.assertEqual(store.recall("ann", "a", 9), "A")
        self.assertIsNone(store.recall("ann", "b", 10))
        self.assertEqual(store.recall("ann", "a", 18), "A")
        store.remember("bob", "c", "C", 40)
        self.assertEqual(len(store), 1)

    def test_C02_is_bounded(self) -> None:
        """Of too many the one that was longest unused goes first."""
        store = SignatureStore(2, DAY)
        store.remember("ann", "a", "A", 0)
        store.remember("ann", "b", "B", 1)
        store.recall("ann", "a", 2)
        store.remember("ann", "c", "C", 3)
        self.assertEqual([store.recall("ann", call, 4) for call in "abc"], ["A", None, "C"])
        nothing = SignatureStore(0, DAY)
        nothing.remember("ann", "a", "A", 0)
        self.assertIsNone(nothing.recall("ann", "a", 0))

    @given(st.lists(st.tuples(st.booleans(), st.sampled_from("xy"), st.sampled_from("abcd"), st.integers(0, 4))))
    def test_C02_never_wrong(self, steps: list[tuple[bool, str, str, int]]) -> None:
        """Whatever is remembered and recalled, an answer is the owner's last for that call, and never too old."""
        store = SignatureStore(3, 6)
        last: dict[tuple[str, str], tuple[str, int]] = {}
        now = 0
        for number, (writes, owner, call, pause) in enumerate(steps):
            now += pause
            if writes:
                store.remember(owner, call, f"S{number}", now)
                last[owner, call] = (f"S{number}", now)
            elif (found := store.recall(owner, call, now)) is not None:
                signature, used = last[owner, call]
                self.assertEqual(found, signature)
                self.assertLess(now - used, 6)
                last[owner, call] = (signature, now)
            self.assertLessEqual(len(store), 3)


class RestoreTests(SynchronousTestCase):
    """Signatures go back where they were."""

    def setUp(self) -> None:
        self.store = SignatureStore(10, DAY)
        started: list[Event] = [ToolCallStart(0, "one", "look", "S1"), ToolCallStart(1, "two", "look"), TextDelta("x")]
        observe(started, "ann", self.store, 0)

    def test_C02_stripped_call(self) -> None:
        """A call that came back without its signature gets it, in every conversation of the prompt."""
        prompt = asked(ToolCall("one", "look", "{}"), further=(ToolCall("one", "look", "{}"),))
        restored = restore(prompt, "ann", self.store, 1)
        self.assertEqual(signatures(restored), ["S1", "S1"])
        self.assertIs(restored.messages[0], prompt.messages[0])
        self.assertEqual(signatures(prompt), [None, None])

    def test_C02_not_for_others(self) -> None:
        """Another owner's request stays as it is."""
        prompt = asked(ToolCall("one", "look", "{}"))
        self.assertIs(restore(prompt, "bob", self.store, 1), prompt)

    def test_C04_each_call_its_own(self) -> None:
        """A signature is put on exactly its call; one that the client gave is not replaced."""
        observe([ToolCallStart(0, "three", "look", "S3")], "ann", self.store, 0)
        calls = [ToolCall("three", "look", "{}"), ToolCall("one", "look", "{}", "own"), ToolCall("new", "look", "{}")]
        self.assertEqual(signatures(restore(asked(*calls), "ann", self.store, 1)), ["S3", "own", None])

    def test_C08_siblings_stay_unsigned(self) -> None:
        """Of parallel calls only the first was signed; nothing is invented for the others."""
        calls = [ToolCall("one", "look", "{}"), ToolCall("two", "look", "{}")]
        self.assertEqual(signatures(restore(asked(*calls), "ann", self.store, 1)), ["S1", None])

    def test_nothing_to_do(self) -> None:
        """A prompt to which nothing is added is returned itself."""
        for prompt in (asked(), asked(ToolCall("new", "look", "{}")), asked(ToolCall("one", "look", "{}", "own"))):
            self.assertIs(restore(prompt, "ann", self.store, 1), prompt)

    def test_C02_whole_answer(self) -> None:
        """A plain answer's calls are remembered like a stream's: from its events, all at once."""
        events = (
            TextDelta("x"), ToolCallStart(0, "four", "look", "S4"), ToolCallDelta(0, "{}"), ToolCallDone(0),
            ToolCallStart(1, "five", "look"), ToolCallDelta(1, "{}"), ToolCallDone(1),
        )  # fmt: skip
        store = SignatureStore(10, DAY)
        observe(events, "ann", store, 0)
        self.assertEqual((store.recall("ann", "four", 1), len(store)), ("S4", 1))
