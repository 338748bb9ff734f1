"""What is kept of responses, for whom, and how a later request goes on from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from agd import sealing
from agd.conversation import (
    Event,
    Finished,
    FinishReason,
    Message,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
    ToolResult,
)
from agd.errors import GatewayError
from agd.gateway import Trail
from agd.protocols.responses.paging import Page
from agd.responses.turn import Turn
from tests.protocols.responses.telling import approved, kinds
from tests.responses.stage import ANN, BOB, EngineTestCase, signed_call, words

TOOL = {"type": "function", "name": "add", "parameters": {"type": "object"}}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "2"}
ENCRYPTED = ["reasoning.encrypted_content"]


class ChainTests(EngineTestCase):
    """``previous_response_id``."""

    def test_I29_goes_on(self) -> None:
        """Three turns: each sees all that was said before it, in order, and is stored before it is told."""
        first = self.whole(words("I am agd."), input="Who are you?")
        second = self.whole(words("Fine."), input="How are you?", previous_response_id=first["id"])
        self.whole(words("Bye."), input="Bye", previous_response_id=second["id"])
        self.assertEqual(
            [(message.role, message.parts) for message in self.asked().prompt.messages],
            [
                ("user", (Text("Who are you?"),)),
                ("assistant", (Text("I am agd."),)),
                ("user", (Text("How are you?"),)),
                ("assistant", (Text("Fine."),)),
                ("user", (Text("Bye"),)),
            ],
        )
        self.assertEqual(second["previous_response_id"], first["id"])
        self.assertEqual(self.asked().prompt.notices, ())

    def test_I29_signed(self) -> None:
        """A tool's result goes back behind its call with the provider's signature on exactly that call."""
        first = self.whole(signed_call(), input="1+1", tools=[TOOL])
        self.whole(input=[RESULT], tools=[TOOL], previous_response_id=first["id"])
        _, called, answered = self.asked().prompt.messages
        self.assertEqual(called.parts[-1], ToolCall("call_1", "add", '{"a":1}', "c2ln"))
        self.assertEqual(answered.parts, (ToolResult("call_1", (Text("2"),)),))

    def test_I29_stream(self) -> None:
        """A streamed response can be gone on from as soon as its terminal event is made."""
        turn = self.begin(stream=True)
        self.told(turn, words("Streamed."))
        self.whole(previous_response_id=turn.id)
        self.assertEqual(self.asked().prompt.messages[1].parts, (Text("Streamed."),))

    def test_I29_unknown(self) -> None:
        """An id that nobody has stored is a 400 with OpenAI's code and param."""
        error = self.refused(self.engine.begin({"model": "mine", "input": "x", "previous_response_id": "resp_0"}, ANN,
                                               Trail("")))  # fmt: skip
        self.assertEqual((error.status, error.code, error.param),
                         (400, "previous_response_not_found", "previous_response_id"))  # fmt: skip

    def test_I27_instructions(self) -> None:
        """Instructions are not inherited; developer words of earlier input are."""
        developer = {"role": "developer", "content": "Speak French."}
        first = self.whole(instructions="Be brief.", input=[developer, {"role": "user", "content": "hi"}])
        self.whole(instructions="Be long.", previous_response_id=first["id"])
        self.assertEqual(self.asked().prompt.instructions, ("Be long.", "Speak French."))

    def test_I30_repeated(self) -> None:
        """A client that sends the history once more beside the previous id is not made to say everything twice."""
        first = self.whole(words("I am agd."), input=[{"id": "msg_mine", "role": "user", "content": "Who?"}])
        again = [
            {"id": "msg_mine", "role": "user", "content": "Who?"},
            *first["output"],
            {"role": "user", "content": "ok"},
        ]
        self.whole(input=again, previous_response_id=first["id"])
        self.assertEqual([message.role for message in self.asked().prompt.messages], ["user", "assistant", "user"])

    def test_I28_reference(self) -> None:
        """An item of a stored response stands where it is referred to; an unknown one is a 404 that names it."""
        first = self.whole(words("I am agd."))
        self.whole(input=[{"role": "user", "content": "a"}, {"type": "item_reference", "id": first["output"][0]["id"]}])
        self.assertEqual(self.asked().prompt.messages[1], Message("assistant", (Text("I am agd."),)))
        body = {"model": "mine", "input": [{"type": "item_reference", "id": "msg_0"}]}
        error = self.refused(self.engine.begin(body, ANN, Trail("")))
        self.assertEqual((error.status, error.param), (404, "input[0].id"))

    def test_broken_call(self) -> None:
        """A call that was cut off is no part of the conversation: nobody can carry it out, so nobody can answer it."""
        half: list[Event] = [TextDelta("Let me."), ToolCallStart(0, "call_1", "add", None), ToolCallDelta(0, '{"a":')]
        cut: list[Event] = [*half, Finished(FinishReason.LENGTH, "MAX_TOKENS")]
        endings: list[tuple[list[Event], Callable[[Turn], Any]]] = [
            (half, lambda turn: turn.fail(GatewayError(502, "cut"))),
            (half, Turn.cancel),
            (cut, Turn.conclude),
        ]
        for events, end in endings:
            turn = self.begin(stream=True, tools=[TOOL])
            told = self.told(turn, events, partial(end, turn))
            self.assertEqual(told[-1]["response"]["output"][-1]["status"], "incomplete")
            after = self.begin(input="Go on.", previous_response_id=turn.id, tools=[TOOL])
            parts = [part for message in after.prompt.messages for part in message.parts]
            self.assertEqual(parts, [Text("hi"), Text("Let me."), Text("Go on.")])

    def test_queued_before(self) -> None:
        """A response that still runs cannot be gone on from yet."""
        turn = self.begin(background=True)
        self.get(self.engine.launch(turn))
        error = self.refused(self.engine.begin({"model": "mine", "input": "x", "previous_response_id": turn.id}, ANN,
                                               Trail("")))  # fmt: skip
        self.assertEqual((error.status, error.code), (400, "previous_response_not_ready"))


class StoreTests(EngineTestCase):
    """``store``."""

    def test_I31_store_false(self) -> None:
        """Nothing is kept, and the sealed state that travels with the client gives the provider its signature back."""
        first = self.whole(signed_call(), input="1+1", tools=[TOOL], store=False, include=ENCRYPTED)
        self.assertIs(first["store"], False)
        self.assertEqual(self.refused(self.engine.retrieve(ANN, first["id"])).status, 404)
        sent = [{"role": "user", "content": "1+1"}, *(_codex(item) for item in first["output"]), RESULT]
        self.whole(input=sent, tools=[TOOL], store=False, include=ENCRYPTED)
        self.assertEqual(self.asked().prompt.messages[1].parts[-1], ToolCall("call_1", "add", '{"a":1}', "c2ln"))

    def test_I33_foreign_state(self) -> None:
        """State that was sealed for another owner, or by another server, is left out with a notice."""
        first = self.whole(signed_call(), owner=BOB, tools=[TOOL], store=False, include=ENCRYPTED)
        for forged in (first["output"][0], {**first["output"][0], "encrypted_content": "gAAAAABforeign"}):
            items = [forged, *(_codex(item) for item in first["output"][1:]), RESULT]
            turn = self.begin(input=[{"role": "user", "content": "1+1"}, *items], tools=[TOOL])
            calls = [part for part in turn.prompt.messages[1].parts if isinstance(part, ToolCall)]
            self.assertIsNone(calls[0].signature)
            self.assertIn("input[].encrypted_content", [notice.param for notice in turn.prompt.notices])

    def test_store_fails(self) -> None:
        """A store that fails costs the client nothing but the storing, of which it is told."""
        self.store.broken = True
        turn = self.begin()
        made = self.start(turn.whole())
        self.asked().answer(self.answer())
        whole = self.successResultOf(made)
        self.assertEqual((whole["status"], whole["store"]), ("completed", False))
        self.assertEqual([notice.param for notice in turn.trail.notices], ["store"])

    def test_store_fails_stream(self) -> None:
        """The terminal event of a stream tells that the response is not stored after all."""
        turn = self.begin(stream=True)
        opened = self.start(turn.open())
        self.asked().relay()
        self.successResultOf(opened)
        self.store.broken = True
        events = self.told(self.begin(stream=True), words())
        self.assertEqual((events[0]["response"]["store"], events[-1]["response"]["store"]), (True, False))
        self.assertEqual(events[-1]["type"], "response.completed")
        self.assertEqual([each["param"] for each in events[-1]["response"]["x_agd"]["notices"]], ["store"])

    def test_I31_state_too_large(self) -> None:
        """State that is too large to travel is left behind, and costs the client nothing but that."""
        self.patch(sealing, "MAX_BYTES", 60)
        whole = self.whole(signed_call(signature="c2ln" * 20), store=False, include=ENCRYPTED, tools=[TOOL])
        self.assertEqual([item["type"] for item in whole["output"]], ["reasoning", "function_call"])
        self.assertEqual(self.ring.open(ANN, whole["output"][0]["encrypted_content"]), [])

    def test_unreadable(self) -> None:
        """What cannot be looked up now is a 503, not a 404."""
        first = self.whole()
        self.store.broken = True
        self.assertEqual(self.refused(self.engine.retrieve(ANN, first["id"])).code, "store_unavailable")

    def test_failed(self) -> None:
        """A response that failed is kept as such, with what there was of it."""
        turn = self.begin(stream=True)
        events = self.told(turn, words("Hel")[:1], lambda: turn.fail(GatewayError(502, "Cut.", code="cut")))
        self.assertEqual(events[-1]["type"], "response.failed")
        stored = self.get(self.engine.retrieve(ANN, turn.id))
        self.assertEqual((stored["status"], stored["output"][0]["status"]), ("failed", "incomplete"))


class AfterwardsTests(EngineTestCase):
    """Retrieving, listing, deleting."""

    def test_I05_retrieved(self) -> None:
        """What is retrieved is what was answered, ids and all, without the extension for chat clients."""
        whole = self.whole()
        self.assertEqual(whole.pop("choices")[0]["message"]["content"], "Hello!")
        self.assertEqual(self.get(self.engine.retrieve(ANN, whole["id"])), whole)

    def test_I41_input_items(self) -> None:
        """The request's own items are listed with ids that stay the same."""
        whole = self.whole(input=[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
        listed = self.get(self.engine.input_items(ANN, whole["id"], Page(order="asc")))
        self.assertEqual([item["content"][0]["text"] for item in listed["data"]], ["a", "b"])
        self.assertEqual(listed, self.get(self.engine.input_items(ANN, whole["id"], Page(order="asc"))))

    def test_I41_deleted(self) -> None:
        """What is deleted is gone, for every way to it; deleting it again is a 404."""
        whole = self.whole()
        deleted = self.get(self.engine.delete(ANN, whole["id"]))
        self.assertEqual(deleted, {"id": whole["id"], "object": "response", "deleted": True})
        for work in (self.engine.retrieve, self.engine.delete, self.engine.cancel, self.engine.events):
            error = self.refused(work(ANN, whole["id"]))
            self.assertEqual((error.status, error.code), (404, "response_not_found"))

    def test_I51_owners(self) -> None:
        """On no way does one owner's id lead another anywhere; it is as unknown as one that never was."""
        whole = self.whole(owner=ANN)
        ways: list[Any] = [
            self.engine.retrieve(BOB, whole["id"]),
            self.engine.events(BOB, whole["id"]),
            self.engine.cancel(BOB, whole["id"]),
            self.engine.delete(BOB, whole["id"]),
            self.engine.input_items(BOB, whole["id"], Page()),
        ]
        for way in ways:
            self.assertEqual(self.refused(way).message, f"Response with id '{whole['id']}' not found.")
        body = {"model": "mine", "input": "x", "previous_response_id": whole["id"]}
        for work in (self.engine.begin, self.engine.count, self.engine.compact):
            self.assertEqual(self.refused(work(body, BOB, Trail(""))).code, "previous_response_not_found")
        body = {"model": "mine", "input": [{"type": "item_reference", "id": whole["output"][0]["id"]}]}
        for work in (self.engine.begin, self.engine.count, self.engine.compact):
            self.assertEqual(self.refused(work(body, BOB, Trail(""))).status, 404)
        self.assertEqual(self.get(self.engine.retrieve(ANN, whole["id"]))["id"], whole["id"])


class LocalTests(EngineTestCase):
    """What only a connection knows."""

    def test_I42_local(self) -> None:
        """A connection's own responses are gone on from without being stored, through the store's as well."""
        stored = self.whole(words("One."))
        turn = self.begin(local={}, store=False, previous_response_id=stored["id"])
        made = self.start(turn.whole())
        self.asked().answer(self.answer(words("Two.")))
        self.successResultOf(made)
        assert turn.record is not None
        third = self.begin(local={turn.id: turn.record}, store=False, previous_response_id=turn.id)
        said = [part.text for message in third.prompt.messages for part in message.parts if isinstance(part, Text)]
        self.assertEqual(said, ["hi", "One.", "hi", "Two.", "hi"])
        elsewhere = self.engine.begin({"model": "mine", "input": "x", "previous_response_id": turn.id}, ANN, Trail(""))
        self.assertEqual(self.refused(elsewhere).code, "previous_response_not_found")

    def test_I42_stored(self) -> None:
        """A connection can tell what it alone knows: what is stored may be deleted, and is then gone for it too."""
        for store in (True, False):
            turn = self.begin(local={}, store=store, stream=True)
            self.told(turn, words())
            self.assertEqual((turn.record is None, turn.stored), (False, store))

    def test_I42_warm_up(self) -> None:
        """A warm-up asks nobody, and what it was sent is there for the turn that goes on from it."""
        turn = self.begin(local={}, generate=False, input="Remember me.", store=False)
        events = approved(self.get(turn.warm_up()))
        self.assertEqual(kinds(events), ["created", "in_progress", "completed"])
        self.assertEqual((events[-1]["response"]["output"], self.gateway.calls), ([], []))
        assert turn.record is not None
        after = self.begin(local={turn.id: turn.record}, previous_response_id=turn.id, input="And me.")
        said = [part for message in after.prompt.messages for part in message.parts]
        self.assertEqual(said, [Text("Remember me."), Text("And me.")])

    def test_I42_over_http(self) -> None:
        """Over HTTP nobody would remember it."""
        error = self.refused(self.engine.begin({"model": "mine", "input": "x", "generate": False}, ANN, Trail("")))
        self.assertEqual((error.status, error.param), (400, "generate"))

    def test_notices(self) -> None:
        """Notices that no head can carry stand beside the Response of a connection, and nowhere else."""
        body: dict[str, Any] = {"text": {"verbosity": "low"}, "stream": True}
        turn = self.begin(local={}, **body)
        turn.trail.note(turn.prompt.notices)
        self.assertEqual(
            [each["param"] for each in turn.narration.resource(True)["x_agd"]["notices"]], ["text.verbosity"]
        )
        self.assertNotIn("x_agd", self.begin(**body).narration.resource(True))


def _codex(item: dict[str, Any]) -> dict[str, Any]:
    """An item as Codex sends it back: without what it does not know."""
    return {key: value for key, value in item.items() if key != "extra_content"}


class SessionTests(EngineTestCase):
    """Which conversation a response belongs to, for those who choose its account."""

    def session(self, **body: Any) -> str | None:
        """What the engine says of a request."""
        return self.begin(**body).prompt.session

    def test_K12_chain(self) -> None:
        """All responses of a chain are one conversation, the first of them too."""
        first = self.begin()
        made = self.start(first.whole())
        self.asked().answer(self.answer())
        self.successResultOf(made)
        second = self.whole(previous_response_id=first.id)
        self.assertEqual(first.prompt.session, f"chain:{first.id}")
        self.assertEqual(self.session(previous_response_id=second["id"]), f"chain:{first.id}")

    def test_K12_key(self) -> None:
        """A chain whose first request named a key keeps to that."""
        first = self.whole(prompt_cache_key="mine")
        self.assertEqual(self.session(prompt_cache_key="mine"), "key:mine")
        self.assertEqual(self.session(previous_response_id=first["id"]), "key:mine")

    def test_K12_nothing(self) -> None:
        """A response that nobody can go on from begins no chain: its words tell where it belongs."""
        self.assertIsNone(self.session(store=False))
