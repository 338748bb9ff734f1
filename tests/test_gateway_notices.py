"""What is told of a request that was carried out otherwise than asked, and what is fetched and remembered for it."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred

from agd.conversation import Media, Message, Notice, Prompt, Sampling, Text, Tool, ToolCall, ToolResult
from agd.errors import BadRequest
from agd.gateway import Trail
from agd.options import Options
from agd.signatures.store import SignatureStore
from agd.upstream.documents import Document
from tests.gateways import MODEL, GatewayTestCase, prompt
from tests.upstream.script import GOOD, Says
from tests.upstream.sinks import Recorder
from tests.upstream.wire import chunk, sse

GEMINI3 = "gemini-3-pro-preview"
BYPASS = b"skip_thought_signature_validator"
TOO_MUCH = Sampling(max_tokens=10_000_000)
LINK = "https://pictures.example/a.png"


def called(*calls: tuple[str, str | None]) -> Says:
    """Make an answer of calls: ids, and signatures if any."""
    parts: list[dict[str, Any]] = []
    for name, signature in calls:
        part: dict[str, Any] = {"functionCall": {"name": "f", "args": {}, "id": name}}
        parts.append({**part, **({"thoughtSignature": signature} if signature else {})})
    return Says(sse({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}))


def replay(*ids: str) -> Prompt:
    """Make the next turn of a client that gives nothing back but ids, names and arguments."""
    calls = tuple(ToolCall(name, "f", "{}") for name in ids)
    results = tuple(ToolResult(name, (Text("1"),)) for name in ids)
    hi = Message("user", (Text("hi"),))
    return Prompt(GEMINI3, (hi, Message("assistant", calls), Message("user", results)), tools=(Tool("f"),))


class NoticeTests(GatewayTestCase):
    """Notices, and strict_parameters."""

    def test_in_order_and_once(self) -> None:
        """Those of reading come before those of translating, and each stands there once."""
        user = Notice("user", "ignored")
        asked = prompt(n=2, notices=(user, user), sampling=TOO_MUCH)
        self.gateway.overrides = {MODEL: {"candidate_count": 1}}
        self.successResultOf(self.complete(asked))
        self.assertEqual(self.trail.notices[0], user)
        self.assertEqual(len(self.trail.notices), 2)

    def test_empty_answers_once(self) -> None:
        """That several calls brought nothing is told once."""
        self.gateway.options = Options(retry_empty=0)
        self.gateway.overrides = {MODEL: {"candidate_count": 1}}
        self.actor.lines = {name: [Says(sse(chunk("", "STOP")))] for name in self.names}
        self.successResultOf(self.complete(prompt(n=3)))
        self.assertEqual(len(self.trail.notices), 1)

    def test_strict_reading(self) -> None:
        """With strict_parameters a notice of reading is a 400 by its param, before anything is fetched or asked."""
        self.gateway.options = Options(strict_parameters=True)
        picture = Message("user", (Media("image/png", uri=LINK),))
        for ask in (self.open, self.complete):
            error = self.refused_with(ask(Prompt(MODEL, (picture,), notices=(Notice("user", "ignored"),))), 400)
            self.assertIsInstance(error, BadRequest)
            self.assertEqual((error.param, self.actor.asked, self.documents.asked), ("user", [], []))
            self.assertIn("strict_parameters", error.message)
            self.assertEqual([notice.param for notice in self.trail.notices], ["user"])

    def test_strict_translating(self) -> None:
        """A notice of translating is one as well."""
        self.gateway.options = Options(strict_parameters=True)
        error = self.refused_with(self.complete(prompt(sampling=TOO_MUCH)), 400)
        self.assertEqual((error.param, self.actor.asked), (self.trail.notices[0].param, []))

    def test_strict_with_earlier_notices(self) -> None:
        """What the client was told before, of something that it asked for, refuses nothing."""
        self.gateway.options = Options(strict_parameters=True)
        trail = Trail("req_1", notices=(Notice("truncation", "the oldest turns were left out"),))
        self.successResultOf(Deferred.fromCoroutine(self.gateway.complete(prompt(), trail)))

    def test_strict_without_notices(self) -> None:
        """A request that can be carried out as it is written is; notices of its answer are only told."""
        self.gateway.options = Options(strict_parameters=True, retry_empty=0)
        self.successResultOf(self.complete())
        self.actor.lines["two"] = [Says(sse(chunk("", "STOP")))]
        self.successResultOf(self.complete())
        self.assertEqual(len(self.trail.notices), 1)


class DocumentTests(GatewayTestCase):
    """Documents that a prompt names by their address."""

    def setUp(self) -> None:
        super().setUp()
        self.asked = Prompt(MODEL, (Message("user", (Text("what?"), Media("image/png", uri=LINK))),))

    def test_H01_fetched_before_translation(self) -> None:
        """The provider is sent the document itself."""
        self.documents.documents[LINK] = Document("image/png", b"\x89PNG\r\n")
        self.successResultOf(self.complete(self.asked))
        self.assertIn(b'"inlineData"', self.actor.calls[0][2].body)
        self.assertNotIn(LINK.encode(), self.actor.calls[0][2].body)

    def test_H01_refused(self) -> None:
        """A document that cannot be had is a 400 before any account is asked; so is any where fetching is off."""
        error = self.refused_with(self.complete(self.asked), 400)
        self.assertEqual((error.code, self.actor.asked), ("invalid_image_url", []))
        self.documents.asked.clear()
        self.gateway.options = Options(fetch_urls=False)
        error = self.refused_with(self.open(evolve(self.asked, stream=True)), 400)
        self.assertEqual((error.code, self.documents.asked), ("invalid_image_url", []))

    def test_H01_unknown_model_fetches_nothing(self) -> None:
        """A request that leads nowhere fetches nothing."""
        self.refused_with(self.complete(evolve(self.asked, model="no-such-model")), 404)
        self.assertEqual(self.documents.asked, [])

    def test_H01_client_leaves(self) -> None:
        """Whoever leaves while a document is fetched ends the fetch, and nobody is asked."""
        waiting: Deferred[Document] = Deferred()
        self.documents.documents[LINK] = waiting
        for ask in (self.open, self.complete):
            waiting = self.documents.documents[LINK] = Deferred()
            asked: Deferred[Any] = ask(self.asked)
            self.assertNoResult(asked)
            asked.cancel()
            self.failureResultOf(asked, CancelledError)
            self.assertTrue(waiting.called)
        self.assertEqual(self.actor.asked, [])

    def test_options_of_the_beginning(self) -> None:
        """A reload while a document is fetched does not change how the request is translated."""
        waiting: Deferred[Document] = Deferred()
        self.documents.documents[LINK] = waiting
        asked = self.complete(evolve(self.asked, sampling=TOO_MUCH))
        self.gateway.options = Options(excessive_max_tokens="reject")
        waiting.callback(Document("image/png", b"\x89PNG\r\n"))
        self.successResultOf(asked)


class SignatureTests(GatewayTestCase):
    """C02, C08: signatures of calls for clients that do not give them back."""

    def answer(self, says: Says, *, stream: bool = False, owner: str = "local", **fields: Any) -> None:
        """Let the model answer a request of an owner."""
        self.actor.lines = {name: [says] for name in self.names}
        asked = Prompt(GEMINI3, (Message("user", (Text("hi"),)),), tools=(Tool("f"),), stream=stream, **fields)
        self.send(asked, owner)

    def send(self, asked: Prompt, owner: str = "local") -> bytes:
        """Ask for an owner; return what was sent."""
        trail = Trail("req_1", owner=owner)
        if asked.stream:
            source = self.successResultOf(Deferred.fromCoroutine(self.gateway.open(asked, trail)))
            self.successResultOf(source.pour(Recorder()))
        else:
            self.successResultOf(Deferred.fromCoroutine(self.gateway.complete(asked, trail)))
        self.actor.lines = {name: [GOOD] for name in self.names}
        return self.actor.calls[-1][2].body

    def test_C02_restored(self) -> None:
        """The signature of an answer, streamed or not, is back in the next turn, and no bypass is needed."""
        for stream in (False, True):
            self.setUp()
            self.answer(called(("call_1", "S1")), stream=stream)
            sent = self.send(replay("call_1"))
            self.assertIn(b'"thoughtSignature":"S1"', sent)
            self.assertNotIn(BYPASS, sent)

    def test_C02_late_in_a_stream(self) -> None:
        """A call that comes after the first events of a stream is remembered as well."""
        self.actor.lines["one"] = [Says(sse(chunk("hm")), ends=None)]
        asked = Prompt(GEMINI3, (Message("user", (Text("hi"),)),), tools=(Tool("f"),), stream=True)
        source = self.successResultOf(Deferred.fromCoroutine(self.gateway.open(asked, Trail("req_1"))))
        source.pour(Recorder())
        self.actor.relays[0].dataReceived(called(("call_1", "S1")).data)
        self.assertIn(b'"S1"', self.send(replay("call_1")))

    def test_C02_never_across_owners(self) -> None:
        """Whoever else names the same call gets the bypass, never another one's signature."""
        self.answer(called(("call_1", "S1")), owner="key:ann")
        self.answer(called(("call_1", "S2")), owner="key:ben")
        self.assertIn(b'"S1"', self.send(replay("call_1"), "key:ann"))
        self.assertIn(b'"S2"', self.send(replay("call_1"), "key:ben"))
        for stranger in ("local", "key:cid"):
            sent = self.send(replay("call_1"), stranger)
            self.assertIn(BYPASS, sent)
            self.assertNotIn(b'"S1"', sent)

    def test_C02_forgotten(self) -> None:
        """What is no longer remembered is the bypass."""
        self.gateway.signatures = SignatureStore(100, 10.0)
        self.answer(called(("call_1", "S1")))
        self.clock.advance(11)
        self.assertIn(BYPASS, self.send(replay("call_1")))

    def test_C08_only_where_they_were(self) -> None:
        """Of parallel calls only the one that was signed is signed again."""
        self.answer(called(("call_1", "S1"), ("call_2", None)))
        self.assertEqual(self.send(replay("call_1", "call_2")).count(b"thoughtSignature"), 1)

    def test_C02_calls_that_were_left_out(self) -> None:
        """Signatures are remembered before calls are left out of an answer, and for every choice of several."""
        self.answer(called(("call_1", "S1"), ("call_2", "S2")), parallel_tool_calls=False)
        self.assertEqual(len(self.gateway.signatures), 2)
        self.gateway.overrides = {GEMINI3: {"candidate_count": 1}}
        for stream in (False, True):
            self.gateway.signatures = SignatureStore(100, 1000.0)
            self.actor.lines = {name: [called((f"call_{name}", "S"))] for name in self.names}
            hi = Message("user", (Text("hi"),))
            self.send(Prompt(GEMINI3, (hi,), tools=(Tool("f"),), n=4, stream=stream))
            self.assertEqual(len(self.gateway.signatures), 4)

    def test_without_tools_nothing_is_watched(self) -> None:
        """Where no tools are there is nothing to remember."""
        self.successResultOf(self.complete())
        self.assertEqual(len(self.gateway.signatures), 0)
