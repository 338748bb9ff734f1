"""The Responses API over HTTP: its routes, its two kinds of streams, its owners."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Event, Finished, FinishReason, TextDelta, Usage, UsageReport
from agd.encoding import decode
from agd.store.record import Record
from agd.store.responses import ResponseStore
from agd.web.auth import Door
from tests.protocols.answers import fold
from tests.protocols.responses.legality import check_stream
from tests.web.front import Connection, Front
from tests.web.replies import Reply

STOP = Finished(FinishReason.STOP, "STOP")
ANSWER: list[Event] = [TextDelta("Hello!"), STOP, UsageReport(Usage(prompt=3, completion=2))]
KEYS = Door.of("strict", [("ann", "key-ann"), ("bob", "key-bob")])
ANN = {"Authorization": "Bearer key-ann"}
BOB = {"x-api-key": "key-bob"}


class ResponsesTestCase(SynchronousTestCase):
    """A front whose clients need keys."""

    def setUp(self) -> None:
        """Make it."""
        self.front = Front(door=KEYS, max_body_bytes=100_000)

    def create(self, headers: dict[str, str] = ANN, **body: Any) -> Connection:
        """Ask for a response."""
        return self.front.ask("POST", "/v1/responses", {"model": "mine", "input": "hi", **body}, headers)

    def whole(self, headers: dict[str, str] = ANN, **body: Any) -> dict[str, Any]:
        """Ask for a response and get it."""
        connection = self.create(headers, **body)
        self.front.gateway.calls[-1].answer(fold(ANSWER))
        self.assertEqual(connection.reply.status, 200, connection.reply)
        made: dict[str, Any] = connection.reply.json
        return made

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] = ANN) -> Reply:
        """Ask what needs nobody's answer."""
        return self.front.ask(method, f"/v1/responses{path}", body, headers).reply


class RouteTests(ResponsesTestCase):
    """Each route."""

    def test_I09_created(self) -> None:
        """A response is one, with a chat answer's choices beside it, and its head tells what became of the request."""
        connection = self.create(text={"verbosity": "low"})
        self.front.gateway.calls[-1].answer(fold(ANSWER))
        reply = connection.reply
        self.assertEqual((reply.json["object"], reply.json["output_text"]), ("response", "Hello!"))
        self.assertEqual(reply.json["choices"][0]["message"]["content"], "Hello!")
        self.assertIn("text.verbosity", reply.headers["x-agd-notices"])
        self.assertEqual(reply.headers["x-mapped-model"], "gemini-2.5-pro")

    def test_I41_afterwards(self) -> None:
        """It can be retrieved, its input listed, and both are gone when it is deleted."""
        made = self.whole()
        made.pop("choices")
        self.assertEqual(self.ask("GET", f"/{made['id']}").json, made)
        listed = self.ask("GET", f"/{made['id']}/input_items?limit=1&order=asc").json
        self.assertEqual(listed["data"][0]["content"], [{"type": "input_text", "text": "hi"}])
        self.assertEqual(self.ask("DELETE", f"/{made['id']}").json["deleted"], True)
        for method, path in (("GET", ""), ("GET", "/input_items"), ("DELETE", ""), ("POST", "/cancel")):
            reply = self.ask(method, f"/{made['id']}{path}", {} if method == "POST" else None)
            self.assertEqual((reply.status, reply.error["code"]), (404, "response_not_found"), (method, path))

    def test_I51_owners(self) -> None:
        """One key's response is nothing that another key could reach, over any route."""
        made = self.whole()
        for method, path in (("GET", ""), ("GET", "?stream=true"), ("GET", "/input_items"), ("DELETE", "")):
            self.assertEqual(self.ask(method, f"/{made['id']}{path}", headers=BOB).status, 404, (method, path))
        self.assertEqual(self.ask("POST", f"/{made['id']}/cancel", {}, BOB).status, 404)
        body = {"model": "mine", "input": "x", "previous_response_id": made["id"]}
        for path in ("", "/compact", "/input_tokens"):
            reply = self.ask("POST", path, body, BOB)
            self.assertEqual((reply.status, reply.error["code"]), (400, "previous_response_not_found"), path)
        self.assertEqual(self.ask("GET", f"/{made['id']}").status, 200)

    def test_I43_routes(self) -> None:
        """Tokens are counted and conversations made short on routes of their own."""
        body = {"model": "mine", "input": "x"}
        counting = self.front.ask("POST", "/v1/responses/input_tokens", body, ANN)
        self.front.gateway.calls[-1].answer(7)
        self.assertEqual(counting.reply.json["input_tokens"], 7)
        compacting = self.front.ask("POST", "/v1/responses/compact", body, ANN)
        self.front.gateway.calls[-1].answer(fold(ANSWER))
        self.assertEqual(compacting.reply.json["object"], "response.compaction")

    def test_queries(self) -> None:
        """What a query cannot mean is refused by its name."""
        made = self.whole()
        for query, param in (
            ("?stream=yes", "stream"),
            ("?stream=true&starting_after=x", "starting_after"),
            ("?stream=true&starting_after=" + "9" * 5000, "starting_after"),
            ("?include[]=reasoning.encrypted_content&include[]=all", "include"),
            ("/input_items?limit=0", "limit"),
            ("/input_items?limit=" + "9" * 5000, "limit"),
            ("/input_items?include=all", "include"),
        ):
            reply = self.ask("GET", f"/{made['id']}{query}")
            self.assertEqual((reply.status, reply.error["param"]), (400, param))
        self.assertEqual(self.ask("GET", f"/{made['id']}?include[]=reasoning.encrypted_content").status, 200)

    def test_methods(self) -> None:
        """Other methods are 405 and tell which there are."""
        self.assertEqual(self.ask("PUT", "/resp_1", {}).headers["allow"], "DELETE, GET, HEAD")
        self.assertEqual(self.ask("POST", "/resp_1", {}).status, 405)

    def test_client_left(self) -> None:
        """A client that leaves before its response is there ends the call, and nothing is stored."""
        connection = self.create()
        connection.hang_up()
        self.assertTrue(self.front.gateway.calls[-1].cancelled)
        self.assertEqual(self.ask("GET", f"/resp_{1:032x}").status, 404)


class StreamTests(ResponsesTestCase):
    """Streams."""

    def test_I12_streamed(self) -> None:
        """A stream is legal to its ``[DONE]``, and the response is there as soon as it has ended."""
        connection = self.create(stream=True)
        relay = self.front.gateway.calls[-1].relay()
        relay.give(*ANSWER)
        relay.end()
        check_stream(connection.reply.body)
        self.assertTrue(connection.reply.complete)
        last = decode(connection.reply.events[-2].split("data: ")[1])["response"]
        self.assertEqual(self.ask("GET", f"/{last['id']}").json, last)

    def test_I40_background(self) -> None:
        """A background response is told as a stream; who leaves can come back behind any event."""
        connection = self.create(stream=True, background=True)
        relay = self.front.gateway.calls[-1].relay()
        relay.give(TextDelta("Hel"))
        seen = len(connection.reply.events)
        created = decode(connection.reply.events[0].split("data: ")[1])["response"]
        connection.hang_up()
        self.assertFalse(self.front.gateway.calls[-1].cancelled)
        again = self.front.ask("GET", f"/v1/responses/{created['id']}?stream=true&starting_after={seen - 1}", None, ANN)
        relay.give(TextDelta("lo"), STOP)
        relay.end()
        told = b"\n\n".join(event.encode() for event in (*connection.reply.events, *again.reply.events)) + b"\n\n"
        check_stream(told)
        self.assertEqual(self.ask("GET", f"/{created['id']}").json["output_text"], "Hello")

    def test_I12_drained_at_its_end(self) -> None:
        """A response that is being stored when the daemon's patience ends is not told two ends, nor half of one."""
        saved: Deferred[None] = Deferred()
        save = self.front.engine.store.save

        def slowly(_: ResponseStore, record: Record, now: int | None = None) -> Deferred[None]:
            return save(record, now).addCallback(lambda _: saved)

        self.patch(ResponseStore, "save", slowly)
        connection = self.create(stream=True)
        relay = self.front.gateway.calls[-1].relay()
        relay.give(*ANSWER)
        relay.end()
        self.front.site.drain(1.0)
        self.front.clock.advance(1.0)
        self.assertFalse(connection.reply.complete)
        saved.callback(None)
        check_stream(connection.reply.body)
        last = decode(connection.reply.events[-2].split("data: ")[1])["response"]
        self.assertEqual(last["status"], "completed")

    def test_drained_reading(self) -> None:
        """Who follows a background response while the daemon stops is told so by an event with the next number."""
        connection = self.create(stream=True, background=True)
        self.front.gateway.calls[-1].relay().give(TextDelta("Hel"))
        seen = len(connection.reply.events)
        self.front.site.drain(1.0)
        self.front.clock.advance(1.0)
        event = decode(connection.reply.events[-1].split("data: ")[1])
        self.assertEqual((event["type"], event["sequence_number"]), ("error", seen))
        self.assertEqual((event["code"], event["error"]["code"]), ("shutting_down", "shutting_down"))

    def test_stalled_reading(self) -> None:
        """Who follows and reads nothing for long is given up; the response goes on without it."""
        connection = self.create(stream=True, background=True)
        relay = self.front.gateway.calls[-1].relay()
        relay.give(TextDelta("Hel"))
        connection.wire.producer.pauseProducing()
        for _ in range(22):
            self.front.clock.advance(15.0)
        self.assertTrue(connection.wire.aborted)
        connection.settle()
        relay.give(TextDelta("lo"), STOP)
        relay.end()
        self.assertEqual(self.front.observed.statuses[-1], 499)

    def test_I40_queued(self) -> None:
        """Without a stream it is told at once that it is queued, and it can be cancelled."""
        reply = self.create(background=True, text={"verbosity": "low"}).reply
        self.assertIn("text.verbosity", reply.headers["x-agd-notices"])
        made = reply.json
        self.assertEqual(made["status"], "queued")
        self.assertEqual(self.ask("POST", f"/{made['id']}/cancel", {}).json["status"], "cancelled")
