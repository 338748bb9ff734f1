"""Turns on a socket: what is sent, in which order, and how each ends."""

from __future__ import annotations

from wsproto.events import TextMessage

from agd.conversation import TextDelta
from agd.errors import FailureKind, GatewayError, UpstreamFailure
from tests.web.front import busy
from tests.web.websocket.scripts import WebSocketTestCase

WHOLE = ["response.created", "response.in_progress", "response.output_text.delta", "response.completed"]


class TurnTests(WebSocketTestCase):
    """One after another, on the default lane."""

    def test_I42_answer(self) -> None:
        """A turn's events come one a text frame, as they come upstream, and the log has a line for it."""
        self.client.create()
        self.assertEqual(self.client.types, [])
        relay = self.turn.relay()
        self.assertEqual(self.client.types, WHOLE[:2])
        relay.give(TextDelta("Hi"))
        self.assertEqual(self.client.types, WHOLE[:3])
        relay.end()
        self.assertEqual(self.client.types, WHOLE)
        self.assertEqual([message["sequence_number"] for message in self.client.messages], [0, 1, 2, 3])
        self.assertNotIn("stream_id", self.client.messages[0])
        method, path, status, seconds, trail = self.front.observed.answers[-1]
        self.assertEqual((method, path, status, seconds), ("WS", "/v1/responses", 200, 0.0))
        self.assertEqual((trail.request_id, trail.model, trail.owner), ("req_1.1", "gemini-2.5-flash", "local"))

    def test_I42_one_write(self) -> None:
        """All events of one read leave in one write."""
        self.client.create()
        relay = self.turn.relay()
        writes: list[bytes] = []
        self.patch(self.client.connection.wire, "write", writes.append)
        relay.give(TextDelta("a"), TextDelta("b"))
        self.assertEqual(len(writes), 1)

    def test_I42_body(self) -> None:
        """The engine gets the body of the same request over HTTP, streamed; other fields are untouched."""
        self.client.create(stream=True, stream_id="a", background=False, stream_options={"x": 1}, seed=1)
        self.assertEqual(
            self.turn.body,
            {
                "model": "gpt-5",
                "input": "hello",
                "stream": True,
                "background": False,
                "stream_options": {"x": 1},
                "seed": 1,
            },
        )

    def test_I42_warm_up(self) -> None:
        """``generate: false`` is answered at once without asking upstream; the next turn continues from its id."""
        self.client.create(generate=False, store=False)
        self.assertEqual(self.client.types, ["response.created", "response.in_progress", "response.completed"])
        self.assertFalse(self.turn.opened.called)
        self.client.create(previous_response_id="resp_1", store=False)
        self.assertEqual(list(self.turn.local), ["resp_1"])
        self.turn.answer("Hi")
        self.assertEqual(self.client.types[3:], WHOLE)
        self.assertEqual(self.front.observed.statuses, [101, 200, 200])

    def test_I42_processed(self) -> None:
        """Codex' acknowledgement is taken without a word."""
        self.client.say({"type": "response.processed", "response_id": "resp_1"})
        self.assertEqual((self.client.messages, self.client.closed), ([], None))

    def test_I52_refused(self) -> None:
        """A request that the engine refuses is told in an error frame with param, and the socket stays."""
        self.engine.refusal = GatewayError(400, "No such field", code="unsupported_parameter", param="seed")
        self.client.create()
        self.assertEqual(
            self.error(),
            {
                "type": "error",
                "status": 400,
                "error": {
                    "message": "No such field",
                    "type": "invalid_request_error",
                    "param": "seed",
                    "code": "unsupported_parameter",
                },
                "headers": {"x-request-id": "req_1.1"},
            },
        )
        self.assertEqual(self.front.observed.statuses, [101, 400])
        self.assertIn("error unsupported_parameter param seed", self.front.observed.answers[-1][4].failures)
        self.engine.refusal = None
        self.client.create()
        self.turn.answer("Hi")
        self.assertEqual(self.client.types[1:], WHOLE)

    def test_I52_busy(self) -> None:
        """A failure before the first event has its true status, and the time after which to ask again."""
        self.client.create()
        self.turn.refuse(busy())
        error = self.error()
        self.assertEqual((error["status"], error["error"]["code"]), (429, "rate_limited"))
        self.assertEqual(error["headers"], {"x-request-id": "req_1.1", "retry-after": "8", "retry-after-ms": "7200"})
        self.assertEqual(self.turn.ended, [])

    def test_I52_no_code(self) -> None:
        """An error without a code of its own shows its type there: the envelope needs one."""
        self.client.create()
        self.turn.refuse(GatewayError(500, "no", type="server_error"))
        self.assertEqual(self.error()["error"]["code"], "server_error")

    def test_I52_cut(self) -> None:
        """An answer that breaks off ends with ``response.failed``, and the log has the status and the cause."""
        self.client.create()
        relay = self.turn.relay()
        relay.give(TextDelta("Hi"))
        relay.fail(UpstreamFailure(FailureKind.CUT, "the upstream's answer broke off"))
        self.assertEqual(self.client.types, [*WHOLE[:3], "response.failed"])
        self.assertEqual(self.client.messages[-1]["response"]["error"]["code"], "upstream_stream_interrupted")
        self.assertEqual((self.turn.ended, self.front.observed.statuses), (["failed"], [101, 502]))
        self.assertIn("mid-stream: the upstream's answer broke off", self.turn.trail.failures)

    def test_I52_slow(self) -> None:
        """What takes long to begin is announced, so that the client does not take it for dead; then it goes on."""
        self.client.create()
        self.front.clock.advance(9.9)
        self.assertEqual(self.client.types, [])
        self.front.clock.advance(0.1)
        self.assertEqual(self.client.types, WHOLE[:2])
        self.turn.answer("Hi")
        self.assertEqual(self.client.types, WHOLE)

    def test_I52_slow_and_in_vain(self) -> None:
        """What was announced and then fails ends as a response."""
        self.client.create()
        self.front.clock.advance(10)
        self.turn.refuse(busy())
        self.assertEqual(self.client.types, [*WHOLE[:2], "response.failed"])
        self.assertEqual(self.front.observed.statuses, [101, 429])

    def test_I52_mistake(self) -> None:
        """A mistake of agd's before the response is an error frame; the socket stays, and the log has the rest."""
        self.client.create()
        self.turn.refuse(ZeroDivisionError("oops"))
        self.assertEqual((self.error()["status"], self.codes()), (500, ["internal_error"]))
        self.assertNotIn("oops", str(self.error()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.client.create()
        self.turn.answer("Hi")
        self.assertEqual(self.client.types[1:], WHOLE)
        self.assertEqual(self.front.observed.statuses, [101, 500, 200])

    def test_I52_mistake_later(self) -> None:
        """After the response began it closes the socket with 1011: no ending would be true."""
        self.client.create()
        relay = self.turn.relay()
        late = self.client.peer.send(TextMessage('{"type": "response.create"}'))
        relay.fail(ZeroDivisionError("oops"))
        self.assertEqual(self.client.closed, 1011)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.front.observed.statuses, [101, 500])
        self.client.connection.send(late)
        self.assertEqual(len(self.engine.turns), 1)
        self.client.send(self.client.look()[-1].response())  # type: ignore[attr-defined]  # it is a close
        self.assert_gone()

    def test_I42_over_http_only(self) -> None:
        """``stream: false`` and ``background: true`` are refused by name."""
        for name, value in (("stream", False), ("background", True)):
            self.client.create(**{name: value})
            self.assertEqual((self.error()["status"], self.error()["error"]["param"]), (400, name))
        self.assertEqual(self.engine.turns, [])

    def test_I42_codex(self) -> None:
        """``stream`` and ``background`` are as good as left out when null."""
        self.client.create(stream=None, background=None)
        self.assertEqual(self.turn.body["stream"], True)


class MessageTests(WebSocketTestCase):
    """What is no request."""

    def assert_refused(self, code: str, param: str | None = None) -> None:
        """Check that the newest message is this error, that a line tells of it, and that the socket works."""
        error = self.error()["error"]
        self.assertEqual((error["code"], error["param"]), (code, param))
        self.assertEqual(self.front.observed.statuses[-1], self.error()["status"])
        self.client.create(generate=False)
        self.assertEqual(self.client.types[-1], "response.completed")

    def test_I52_no_json(self) -> None:
        """Text that is not JSON."""
        self.client.say("{")
        self.assert_refused("invalid_json")

    def test_I52_no_object(self) -> None:
        """JSON that is no object."""
        self.client.say([1])
        self.assert_refused("invalid_type")

    def test_I52_no_type(self) -> None:
        """A body without the envelope."""
        self.client.say({"model": "gpt-5", "input": "hello"})
        self.assert_refused("missing_required_parameter", "type")

    def test_I52_unknown_type(self) -> None:
        """Events of other protocols, and those that the engine has nothing for."""
        for kind in ("response.append", "response.steer", "session.update", 5, {"a": 1}):
            self.client.say({"type": kind})
            self.assert_refused("unknown_event_type", "type")

    def test_I52_binary(self) -> None:
        """A binary frame, whatever it says."""
        from wsproto.events import BytesMessage

        self.client.send(BytesMessage(b'{"type":"response.processed"}'))
        self.assert_refused("binary_message")
