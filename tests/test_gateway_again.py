"""Answers that are asked for again without counting: malformed, empty, unfit, or refused for a signature."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from agd.conversation import (
    Finished,
    Message,
    OutputFormat,
    Prompt,
    Sampling,
    Text,
    ThoughtDelta,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from agd.errors import FailureKind, UpstreamFailure
from agd.options import Options
from tests.gateways import GatewayTestCase, prompt
from tests.upstream.script import GOOD, Says, Silence, refusal
from tests.upstream.sinks import Recorder
from tests.upstream.wire import chunk, sse

MALFORMED = Says(sse(chunk("", "MALFORMED_FUNCTION_CALL")))
NOTHING = Says(sse(chunk("", "STOP")))
SIGNATURE = refusal(400, grpc="INVALID_ARGUMENT", message="Thought signature is not valid.")
GEMINI3 = "gemini-3-pro-preview"


class MalformedTests(GatewayTestCase):
    """F05."""

    def test_F05_same_account(self) -> None:
        """A malformed call is asked for again at the same account, streamed or not; that is no attempt."""
        for ask in (self.open, self.complete):
            self.setUp()
            self.actor.lines["one"] = [MALFORMED]
            self.successResultOf(ask())
            self.assertEqual((self.actor.asked, self.trail.attempts), (["one", "one"], 1))
            self.assertEqual(self.witness.punishments, [])

    def test_F05_as_often_as_set(self) -> None:
        """After as many repeats as the setting says the client is told, and no other account is asked."""
        for times in (0, 1, 3):
            self.setUp()
            self.gateway.options = Options(retry_malformed=times)
            self.actor.lines["one"] = [MALFORMED] * 9
            error = self.refused_with(self.complete(), 502)
            self.assertEqual(error.code, "upstream_malformed_response")
            self.assertEqual(self.actor.asked, ["one"] * (times + 1))
            self.assertEqual((self.trail.attempts, len(self.trail.failures)), (1, times + 1))
            self.assertEqual(self.witness.punishments, [])

    def test_F05_every_word_for_it(self) -> None:
        """So it is for every end that leaves nothing usable."""
        for word in ("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE", "OTHER", "NEW_WORD"):
            self.setUp()
            self.actor.lines["one"] = [Says(sse(chunk("", word)))]
            self.successResultOf(self.open())
            self.assertEqual(self.actor.asked, ["one", "one"])

    def test_F05_started_stream(self) -> None:
        """In a stream that has begun it is its failure: no fake end."""
        self.actor.lines["one"] = [Says(sse(chunk("a"), chunk("", "MALFORMED_FUNCTION_CALL")))]
        sink = Recorder()
        failure = self.failureResultOf(self.successResultOf(self.open()).pour(sink), UpstreamFailure).value
        assert isinstance(failure, UpstreamFailure)
        self.assertIs(failure.kind, FailureKind.MALFORMED)
        self.assertEqual([type(event) for event in sink.events if isinstance(event, Finished)], [])

    def test_answer_that_is_no_answer(self) -> None:
        """Bytes that are no answer at all are the upstream's trouble: another account is asked."""
        self.actor.lines["one"] = [Says(b"data: <html>\r\n\r\n")]
        self.assertEqual(self.answered_by(), "two")
        self.assertEqual(self.trail.attempts, 2)


class EmptyTests(GatewayTestCase):
    """F06."""

    def test_F06_tokens(self) -> None:
        """What the answers took that were asked for again is not forgotten."""
        counts = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
        for ask in (self.open, self.complete):
            self.setUp()
            self.actor.lines["one"] = [Says(sse(chunk(text, "STOP", usageMetadata=counts))) for text in ("", "hello")]
            self.successResultOf(ask())
            [attempt] = self.trail.tries
            self.assertEqual(attempt.usage, Usage(prompt=6, completion=4))

    def test_F06_asked_again(self) -> None:
        """A good end without any word is asked for again, once, uncounted, streamed or not."""
        for ask in (self.open, self.complete):
            self.setUp()
            self.actor.lines["one"] = [NOTHING]
            self.successResultOf(ask())
            self.assertEqual((self.actor.asked, self.trail.attempts), (["one", "one"], 1))
            self.assertEqual((self.trail.notices, self.trail.failures), ((), []))

    def test_F06_passed_on(self) -> None:
        """When it stays so it is passed on, and the client is told."""
        for times in (0, 1, 2):
            for ask in (self.open, self.complete):
                self.setUp()
                self.gateway.options = Options(retry_empty=times)
                self.actor.lines["one"] = [NOTHING] * 9
                answer: Any = self.successResultOf(ask())
                self.assertEqual(self.actor.asked, ["one"] * (times + 1))
                self.assertEqual([notice.param for notice in self.trail.notices], ["messages"])
                if ask == self.complete:
                    self.assertEqual(answer.choices[0].parts, [])
                else:
                    self.successResultOf(answer.pour(Recorder()))

    def test_F06_something_is_something(self) -> None:
        """An answer that was cut, filtered, or has called a tool is not empty, whatever its text."""
        call = {"functionCall": {"name": "f", "args": {}}}
        called = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}
        for payload in (chunk("", "MAX_TOKENS"), chunk("", "SAFETY"), called):
            self.setUp()
            self.actor.lines["one"] = [Says(sse(payload))]
            self.successResultOf(self.complete())
            self.assertEqual((self.actor.asked, self.trail.notices), (["one"], ()))

    def test_F06_thoughts_alone(self) -> None:
        """Thoughts without an answer are no answer; in a stream they have been sent by then."""
        thought = {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}]}}]}
        for name in ("one", "two"):
            self.actor.lines[name] = [Says(sse(thought, chunk("", "STOP")))]
        self.successResultOf(self.complete())
        self.assertEqual(self.actor.asked, ["one", "one"])
        self.actor.lines["two"] = [Says(sse(thought), ends=None)]
        sink = Recorder()
        self.successResultOf(self.open()).pour(sink)
        self.assertEqual((sink.events, self.actor.asked[2:]), ([ThoughtDelta("hm")], ["two"]))


class SchemaTests(GatewayTestCase):
    """D26 of whole answers."""

    def ask(self, violation: Any, *texts: str, **more: Any) -> Any:
        """Ask for JSON that fits a schema; the model says these texts one after another."""
        self.setUp()
        self.gateway.options = Options(schema_violation=violation, strip_json_fence=True)
        self.actor.lines["one"] = [Says(sse(chunk(text, "STOP"))) for text in texts]
        wanted = OutputFormat("json_schema", {"type": "object", "required": ["a"]}, strict=True)
        return self.complete(prompt(output_format=wanted, **more))

    def said(self, answer: Any) -> str:
        """Return the text of an answer."""
        (part,) = self.successResultOf(answer).choices[0].parts
        return str(part.text)

    def test_D26_fits(self) -> None:
        """An answer that fits, also in a fence that is taken off, is not told of in any setting."""
        for violation in ("ignore", "notice", "retry", "error"):
            for text in ('{"a":1}', '```json\n{"a":1}\n```'):
                self.assertEqual(self.said(self.ask(violation, text)), '{"a":1}')
                self.assertEqual((self.actor.asked, self.trail.notices), (["one"], ()))

    def test_D26_ignore(self) -> None:
        """By default nothing is looked at."""
        self.assertEqual(self.said(self.ask("ignore", "{}")), "{}")
        self.assertEqual(self.trail.notices, ())

    def test_D26_notice(self) -> None:
        """The answer is passed on as it is, with a notice that says what does not fit."""
        self.assertEqual(self.said(self.ask("notice", "{}")), "{}")
        (notice,) = self.trail.notices
        self.assertEqual(notice.param, "response_format")
        self.assertIn("'required'", notice.message)

    def test_D26_retry(self) -> None:
        """It is asked for again once, uncounted; the second answer is passed on, with a notice if it does not fit."""
        self.assertEqual(self.said(self.ask("retry", "{}", '{"a":1}')), '{"a":1}')
        self.assertEqual((self.actor.asked, self.trail.attempts, self.trail.notices), (["one", "one"], 1, ()))
        self.assertEqual(self.said(self.ask("retry", "{}", "[]", '{"a":1}')), "[]")
        self.assertEqual((self.actor.asked, len(self.trail.notices)), (["one", "one"], 1))

    def test_D26_error(self) -> None:
        """It is a 502 that says what does not fit, nobody else is asked and nobody blamed."""
        error = self.refused_with(self.ask("error", "{}"), 502)
        self.assertEqual((error.code, error.type), ("upstream_schema_violation", "server_error"))
        self.assertIn("'required'", error.message)
        self.assertEqual((self.actor.asked, self.witness.punishments), (["one"], []))

    def test_D26_streams_are_passed_on(self) -> None:
        """A stream that does not fit has been sent by then: in every setting the trail tells of it, and that is all."""
        wanted = OutputFormat("json_schema", {"type": "object"}, strict=True)
        for violation in ("notice", "retry", "error"):
            self.setUp()
            self.gateway.options = Options(schema_violation=violation)
            self.actor.lines["one"] = [
                Says(
                    sse(
                        chunk(
                            "[1",
                        ),
                        chunk("]", "STOP"),
                    )
                )
            ]
            sink = Recorder()
            source = self.successResultOf(self.open(prompt(stream=True, output_format=wanted)))
            self.successResultOf(source.pour(sink))
            self.assertEqual((sink.text, self.actor.asked), ("[1]", ["one"]))
            self.assertEqual([notice.param for notice in self.trail.notices], ["response_format"])

    def test_D26_not_what_agd_cuts(self) -> None:
        """Text that ends at one of the client's stop strings was not asked to fit."""
        stops = Sampling(stop=tuple("0123456}"))
        answer = self.ask("error", "{", sampling=stops)
        self.assertEqual(self.said(answer), "{")

    def test_D26_cut_by_the_provider(self) -> None:
        """An answer that was cut at its length says so, and is not judged."""
        self.setUp()
        self.gateway.options = Options(schema_violation="error")
        self.actor.lines["one"] = [Says(sse(chunk('{"a', "MAX_TOKENS")))]
        wanted = OutputFormat("json_schema", {"type": "object"}, strict=True)
        self.successResultOf(self.complete(prompt(output_format=wanted)))


class SignatureTests(GatewayTestCase):
    """C10."""

    def asked(self, signature: str | None = "S-of-another") -> Prompt:
        """Make a turn with a signed call."""
        call = ToolCall("call_1", "f", "{}", signature)
        turns = (
            Message("user", (Text("hi"),)),
            Message("assistant", (call,)),
            Message("user", (ToolResult("call_1", (Text("1"),)),)),
        )
        return Prompt(GEMINI3, turns, tools=(Tool("f"),))

    def bodies(self) -> list[bytes]:
        """Return what was sent."""
        return [outgoing.body for _, _, outgoing, _ in self.actor.calls]

    def test_C10_once_without(self) -> None:
        """A refused signature is left out and the same account asked again, uncounted; the log tells."""
        self.actor.lines["one"] = [SIGNATURE]
        self.successResultOf(self.complete(self.asked()))
        first, second = self.bodies()
        self.assertIn(b"S-of-another", first)
        self.assertNotIn(b"S-of-another", second)
        self.assertIn(b"skip_thought_signature_validator", second)
        self.assertEqual((self.actor.asked, self.trail.attempts), (["one", "one"], 1))
        self.assertEqual((self.witness.punishments, len(self.trail.failures)), ([], 1))

    def test_C10_only_once(self) -> None:
        """When that is refused as well the client is told, and nobody else is asked or blamed."""
        self.actor.lines["one"] = [SIGNATURE, SIGNATURE]
        error = self.refused_with(self.complete(self.asked()), 400)
        self.assertEqual(error.message, "Thought signature is not valid.")
        self.assertEqual((self.actor.asked, self.witness.punishments), (["one", "one"], []))

    def test_C10_nothing_to_leave_out(self) -> None:
        """A request that would be the same without signatures is not asked again."""
        self.actor.lines["one"] = [SIGNATURE]
        self.refused_with(self.complete(self.asked(None)), 400)
        self.assertEqual(self.actor.asked, ["one"])

    def test_C10_later_accounts(self) -> None:
        """Once left out, signatures stay out for whoever is asked next."""
        self.actor.lines = {"one": [SIGNATURE, refusal(500)], "two": [GOOD]}
        self.successResultOf(self.complete(self.asked()))
        self.assertEqual([b"S-of-another" in body for body in self.bodies()], [True, False, False])


class ReloadTests(GatewayTestCase):
    """New settings while a request runs."""

    def test_request_keeps_its_options(self) -> None:
        """What was planned with the old settings is carried out with them, its repeats as well."""
        self.gateway.options = Options(retry_empty=1)
        self.actor.lines["one"] = [Silence(), NOTHING, NOTHING]
        asked = self.complete()
        self.gateway.options = Options(retry_empty=9)
        self.actor.waiting[0].callback(self.successResultOf(Deferred.fromCoroutine(self.actor.say(NOTHING))))
        self.successResultOf(asked)
        self.assertEqual(self.actor.asked, ["one", "one"])
