"""What a connection remembers: `store: false` responses, for itself alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import TextDelta
from agd.errors import FailureKind, GatewayError, UpstreamFailure
from agd.web.auth import Door
from agd.web.websocket.memory import Memory
from tests.web.websocket.scripts import Client, Kept, WebSocketTestCase

NOT_FOUND = "previous_response_not_found"


class MemoryTests(SynchronousTestCase):
    """``Memory``."""

    def keep(self, memory: Memory, *ids: str, size: int = 1) -> None:
        """Keep a chain."""
        for previous, response_id in zip((None, *ids), ids, strict=False):
            memory.keep(Kept(response_id, previous), None, size)

    def test_local(self) -> None:
        """Everything that is kept can be found."""
        memory = Memory()
        self.keep(memory, "a", "b")
        self.assertEqual(sorted(memory.local(None)), ["a", "b"])

    def test_snapshot(self) -> None:
        """A turn has what was there when it began, whatever is forgotten since."""
        memory = Memory(max_responses=1)
        self.keep(memory, "a")
        local = memory.local("a")
        self.keep(memory, "b")
        self.assertEqual((list(local), list(memory.local(None))), (["a"], ["b"]))

    def test_least_recently_used(self) -> None:
        """What was not built on for longest goes first; what a chain is made of stays with it."""
        memory = Memory(max_responses=3)
        self.keep(memory, "root", "leaf")
        self.keep(memory, "other")
        memory.local("leaf")
        self.keep(memory, "new")
        self.assertEqual(sorted(memory.local(None)), ["leaf", "new", "root"])

    def test_bytes(self) -> None:
        """Sizes count, and one that is too large is not kept."""
        memory = Memory(max_bytes=10)
        self.keep(memory, "a", "b", size=4)
        self.keep(memory, "c", size=4)
        self.assertEqual(sorted(memory.local(None)), ["b", "c"])
        self.keep(memory, "d", size=11)
        self.assertEqual(dict(memory.local(None)), {})

    def test_evicted(self) -> None:
        """An evicted response cannot be continued from, but stays the ancestor of others."""
        memory = Memory()
        self.keep(memory, "a", "b")
        memory.evict("a", None)
        self.assertEqual(list(memory.local("a")), ["b"])
        self.assertEqual(sorted(memory.local("b")), ["a", "b"])

    def test_evicted_by_its_lane(self) -> None:
        """Only a failure on its own lane evicts; what is no id evicts nothing."""
        memory = Memory()
        memory.keep(Kept("a"), "lane", 1)
        for lane in (None, "other"):
            memory.evict("a", lane)
        for wrong in (None, 5, ["a"], {"a": 1}, "b"):
            memory.evict(wrong, "lane")
            self.assertEqual(list(memory.local(wrong)), ["a"])
        memory.evict("a", "lane")
        self.assertEqual(list(memory.local("a")), [])

    @given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([*"abcdef", None]), st.integers(0, 9))))
    def test_bounded(self, kept: list[tuple[str, str | None, int]]) -> None:
        """Whatever is kept, even a circle, the bounds hold."""
        memory = Memory(max_responses=4, max_bytes=20)
        sizes: dict[str, int] = {}
        for response_id, previous, size in kept:
            memory.keep(Kept(response_id, previous), None, size)
            sizes[response_id] = size
            there = memory.local(previous)
            self.assertLessEqual(len(there), 4)
            self.assertLessEqual(sum(sizes[name] for name in there), 20)


class ContinuationTests(WebSocketTestCase):
    """``previous_response_id`` on a socket."""

    def complete(self, previous: str | None = None, client: Client | None = None, **more: object) -> str:
        """Have a response completed that nobody stores."""
        (client or self.client).create(store=False, previous_response_id=previous, **more)
        self.turn.answer("x")
        return self.turn.id

    def test_I42_chain(self) -> None:
        """Turns continue from one another without anything being stored."""
        first = self.complete()
        second = self.complete(first)
        self.complete(second)
        self.assertEqual(list(self.turn.local), [first, second][::-1])
        self.assertEqual(self.codes(), [])

    def test_I51_another_connection(self) -> None:
        """Another connection, of the same owner even, does not find them."""
        first = self.complete()
        other = self.open()
        other.create(previous_response_id=first)
        self.assertEqual((self.codes(other.messages), self.error(other)["status"]), ([NOT_FOUND], 400))
        self.assertEqual(self.error(other)["error"]["param"], "previous_response_id")

    def test_I42_fork(self) -> None:
        """Another lane may branch off, and the first one goes on."""
        first = self.complete(stream_id="a")
        second = self.complete(first, stream_id="b")
        third = self.complete(first, stream_id="a")
        self.complete(second, stream_id="b")
        self.complete(third, stream_id="b")
        self.assertEqual(self.codes(), [])

    def test_I42_stored(self) -> None:
        """What is stored is not kept here as well: the engine finds it."""
        self.client.create()
        self.turn.answer("x")
        self.client.create()
        self.assertEqual(self.turn.local, {})

    def break_off(self, how: str, previous: str) -> None:
        """Let a continuation fail."""
        self.client.create(store=False, previous_response_id=previous)
        if how == "before":
            self.turn.refuse(GatewayError(503, "no"))
        elif how == "after":
            self.turn.relay().fail(UpstreamFailure(FailureKind.CUT, "cut"))
        elif how == "told by the narration":
            relay = self.turn.relay()
            relay.give(TextDelta("x"))
            self.turn.narration.status = "failed"
            relay.end()
        else:
            self.client.say({"type": "response.cancel"})

    def test_I42_evicted(self) -> None:
        """A continuation that fails evicts its parent: the next attempt is told that it is not found."""
        for how in ("before", "after", "told by the narration"):
            first = self.complete()
            self.break_off(how, first)
            self.client.create(previous_response_id=first)
            self.assertEqual(self.error()["error"]["code"], NOT_FOUND, how)

    def test_I42_evicted_by_a_wrong_request(self) -> None:
        """So does one that is refused as it stands."""
        first = self.complete()
        self.client.create(previous_response_id=first, background=True)
        self.client.create(previous_response_id=first)
        self.assertEqual(self.codes(), ["unsupported_value", NOT_FOUND])

    def test_I42_called_off(self) -> None:
        """One that the client called off does not: nothing failed."""
        first = self.complete()
        self.break_off("called off", first)
        self.complete(first)
        self.assertEqual(self.codes(), ["response_cancelled"])

    def test_I42_spared(self) -> None:
        """A fork that fails on another lane spares its parent."""
        first = self.complete(stream_id="a")
        self.client.create(stream_id="b", previous_response_id=first)
        self.turn.refuse(GatewayError(503, "no", code="x"))
        self.complete(first, stream_id="a")
        self.assertEqual(self.codes(), ["x"])


class OwnerTests(WebSocketTestCase):
    """Whose turns they are."""

    door = Door.of("strict", [("one", "key-one"), ("two", "key-two")])
    headers = {"Authorization": "Bearer key-one"}

    def test_I51_owner(self) -> None:
        """Each turn is asked for in the name of the key that opened its socket."""
        other = self.open({"Authorization": "Bearer key-two"})
        for client, owner in ((self.client, "key:one"), (other, "key:two")):
            client.create(generate=False)
            self.assertEqual((self.turn.owner, self.turn.trail.owner), (owner, owner))

    def test_I51_key_taken_away(self) -> None:
        """A key that is no longer one ends its socket at the next turn: 401, then 1008; what runs ends as well."""
        self.client.create(stream_id="a")
        relay = self.turn.relay()
        self.front.site.door = Door.of("strict", [("two", "key-two")])
        self.client.create(stream_id="b")
        self.assertTrue(relay.aborted)
        errors = [m for m in self.client.messages if m["type"] == "error"]
        self.assertEqual([(m["status"], m["stream_id"]) for m in errors], [(401, "b")])
        self.assertEqual(self.client.types[-1], "response.failed")
        self.assertEqual((len(self.engine.turns), self.client.closed), (1, 1008))
        self.assertNotIn("key-one", str(self.client.messages))

    def test_I51_other_name(self) -> None:
        """A key that now has another name does not act for the old one."""
        self.front.site.door = Door.of("strict", [("three", "key-one")])
        self.client.create()
        self.assertEqual((self.codes(), self.error()["status"], self.client.closed), (["invalid_api_key"], 401, 1008))
        self.assertEqual(self.engine.turns, [])

    def test_I51_no_keys_any_more(self) -> None:
        """Nor does a keyed socket become the one of a daemon without keys, or the other way round."""
        self.front.site.door = Door.of("off", [])
        self.client.create()
        self.assertEqual((self.codes(), self.client.closed), (["invalid_api_key"], 1008))

    def test_I51_host(self) -> None:
        """Host and origin are checked again as well."""
        self.front.site.door = Door.of("off", [], ["agd.example"])
        client = self.open({"Host": "agd.example"})
        self.front.site.door = Door.of("off", [])
        client.create()
        self.assertEqual((self.error(client)["status"], client.closed), (403, 1008))
