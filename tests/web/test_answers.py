"""Plain answers, and the headers that tell how they came about."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Answer, Finished, FinishReason, Notice, TextDelta, Usage, UsageReport
from agd.conversation.session import weightier
from agd.errors import FailureKind, GatewayError, UpstreamFailure
from agd.gemini.client_errors import client_error
from agd.web.auth import Door
from agd.web.errors import error_headers, error_reason
from tests.web.front import ACCOUNT, CHAT, Call, Connection, Front, busy


def answer(text: str = "Hello!") -> Answer:
    """Make a whole answer."""
    folded = Answer()
    for event in (TextDelta(text), Finished(FinishReason.STOP, "STOP"), UsageReport(Usage(prompt=3, completion=2))):
        folded.add(event)
    return folded


class AnswerTestCase(SynchronousTestCase):
    """A front of one account."""

    def setUp(self) -> None:
        """Make the front."""
        self.front = Front()

    def asked(self, path: str, body: dict[str, Any]) -> tuple[Connection, Call]:
        """Ask something, and give the call to the gateway."""
        connection = self.front.ask("POST", path, body)
        return connection, self.front.gateway.calls[-1]


class ShapeTests(AnswerTestCase):
    """Each route answers in its own shape."""

    def test_chat(self) -> None:
        """A chat completion waits for its answer and has its length."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        self.assertEqual(connection.received, b"")
        call.answer(answer())
        reply = connection.reply
        self.assertEqual((reply.status, reply.json["object"]), (200, "chat.completion"))
        self.assertEqual(reply.json["choices"][0]["message"]["content"], "Hello!")
        self.assertEqual((reply.json["model"], reply.json["created"]), ("gpt-4o", 1_700_000_000))
        self.assertEqual(reply.headers["content-type"], "application/json")
        self.assertEqual(int(reply.headers["content-length"]), len(reply.body))
        self.assertFalse(connection.closing)

    def test_completion(self) -> None:
        """A legacy completion has text."""
        connection, call = self.asked("/v1/completions", {"model": "mine", "prompt": "Say"})
        call.answer(answer())
        self.assertEqual(connection.reply.json["object"], "text_completion")
        self.assertEqual(connection.reply.json["choices"][0]["text"], "Hello!")

    def test_response(self) -> None:
        """A response has its real fields, and choices beside them as the seed promises."""
        body = {"model": "mine", "instructions": "Be strict.", "input": "Look."}
        connection, call = self.asked("/v1/responses", body)
        call.answer(answer())
        reply = connection.reply
        self.assertEqual((reply.json["object"], reply.json["status"]), ("response", "completed"))
        self.assertEqual(reply.json["choices"][0]["message"]["content"], "Hello!")
        self.assertEqual(call.prompt.instructions, ("Be strict.",))

    def test_crossed(self) -> None:
        """The route decides the shape of the answer, whichever of the two languages the body is in."""
        connection, call = self.asked("/v1/chat/completions", {"model": "mine", "instructions": "i", "input": "x"})
        call.answer(answer())
        self.assertEqual(connection.reply.json["object"], "chat.completion")
        connection, call = self.asked("/v1/responses", CHAT)
        call.answer(answer())
        self.assertEqual(connection.reply.json["object"], "response")

    def test_unicode(self) -> None:
        """Text comes through as UTF-8, and the length counts bytes."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.answer(answer("Grüße 🎒"))
        self.assertTrue(connection.reply.complete)
        self.assertEqual(connection.reply.json["choices"][0]["message"]["content"], "Grüße 🎒")

    def test_persistent(self) -> None:
        """One connection carries one request after the other."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.answer(answer())
        connection.ask("POST", "/v1/chat/completions", CHAT)
        self.front.gateway.calls[-1].answer(answer("Again!"))
        texts = [reply.json["choices"][0]["message"]["content"] for reply in connection.replies]
        self.assertEqual(texts, ["Hello!", "Again!"])

    def test_observed(self) -> None:
        """The observer is told of an answer once, with its status, its time and its trail."""
        _, call = self.asked("/v1/chat/completions", CHAT)
        self.front.clock.advance(2.5)
        call.answer(answer())
        self.assertEqual(self.front.observed.answers, [("POST", "/v1/chat/completions", 200, 2.5, call.trail)])

    def test_query_is_not_told(self) -> None:
        """What stands in a query, such as a key, is told to nobody."""
        connection = self.front.ask("POST", "/v1/nowhere?key=made-up-secret", CHAT)
        self.assertNotIn(b"made-up-secret", connection.received)
        self.assertEqual(self.front.observed.answers[0][1], "/v1/nowhere")


class HeaderTests(AnswerTestCase):
    """X-Mapped-Model, X-Account-Email and X-Agd-Notices."""

    def headers(self, *, expose: Any = "email", account: Any = ACCOUNT) -> dict[str, str]:
        """Give the headers of an answer."""
        self.front = Front(expose=expose)
        self.front.gateway.account = account
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.answer(answer())
        return connection.reply.headers

    def test_mapped_model(self) -> None:
        """The model that really answered is named."""
        self.assertEqual(self.headers()["x-mapped-model"], "gemini-2.5-flash")

    def test_account(self) -> None:
        """The account is named by email, by its opaque id, or not at all, as the configuration says."""
        self.assertEqual(self.headers()["x-account-email"], "first@example.com")
        self.assertEqual(self.headers(expose="id")["x-account-email"], ACCOUNT.id)
        self.assertNotIn("x-account-email", self.headers(expose="off"))

    def test_account_without_email(self) -> None:
        """An account without an email is named by its id."""
        nameless = type(ACCOUNT).of_key("", ACCOUNT.base_url, "other-made-up-key")
        self.assertEqual(self.headers(account=nameless)["x-account-email"], nameless.id)

    def test_account_that_answered(self) -> None:
        """After a rotation it is the account that answered, not the one that was asked first."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.trail.account = type(ACCOUNT).of_key("second@example.com", ACCOUNT.base_url, "x")
        call.answer(answer())
        self.assertEqual(connection.reply.headers["x-account-email"], "second@example.com")

    def test_policy_changes(self) -> None:
        """A reload that hides the account holds from the next answer on."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        self.front.policy.expose_account = "off"
        call.answer(answer())
        self.assertNotIn("x-account-email", connection.reply.headers)

    def test_notices(self) -> None:
        """What was not carried out as asked is told, in printable ASCII and within bounds."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.trail.notices = (
            Notice("seed", "clamped\r\nX-Evil: é"),
            Notice("user", "ignored"),
            Notice("z", "z" * 5000),
        )
        call.answer(answer())
        told = connection.reply.headers["x-agd-notices"]
        self.assertTrue(told.startswith("seed: clamped??X-Evil: ?; user: ignored; z: zzz"), told)
        self.assertEqual((len(told), told[-3:]), (4003, "..."))
        self.assertNotIn("x-evil", connection.reply.headers)

    def test_strange_model(self) -> None:
        """Whatever name routing comes to, the header stays printable ASCII on one line."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.trail.model = "a\r\nX-Evil: b\0é"
        call.answer(answer())
        self.assertEqual(connection.reply.headers["x-mapped-model"], "a??X-Evil: b??")

    def test_nothing_to_tell(self) -> None:
        """A request that was never routed tells no model, no account and no notices."""
        reply = self.front.chat(model="nothing-maps-this").reply
        self.assertEqual((reply.status, reply.error["code"]), (404, "model_not_found"))
        self.assertFalse({"x-mapped-model", "x-account-email", "x-agd-notices"} & set(reply.headers))


class ReasonTests(SynchronousTestCase):
    """What the log is told of a refusal: the error's code and param, and nothing that a client could make up."""

    def reasons(self, front: Front) -> list[list[str]]:
        """Give the reasons of every answer."""
        return [trail.failures for *_, trail in front.observed.answers]

    def test_routes(self) -> None:
        """Errors of routes, of the router and of reading tell themselves."""
        front = Front()
        front.chat(model="nothing-maps-this")
        front.chat(messages="hello")
        front.ask("GET", "/nowhere")
        front.ask("PUT", "/v1/models")
        expected = [
            ["error model_not_found param model"],
            ["error invalid_type param messages"],
            ["error unknown_url"],
            ["error method_not_allowed"],
        ]
        self.assertEqual(self.reasons(front), expected)

    def test_head(self) -> None:
        """So do refusals at the head."""
        front = Front(door=Door.of("strict", [("one", "key-one")]))
        front.ask("GET", "/v1/models")
        front.connect().send(b"nonsense\r\n\r\n")
        self.assertEqual(self.reasons(front), [["error invalid_api_key"], ["error malformed_http"]])

    def test_owner(self) -> None:
        """Whose the request was is told wherever it ended; of whoever has no valid key nobody says that."""
        front = Front(door=Door.of("all_except_health", [("one", "key-one")]), max_body_bytes=10)
        key, wrong = {"Authorization": "Bearer key-one"}, {"Authorization": "Bearer key-two"}
        for method, path, body, headers in (
            ("GET", "/nowhere", None, key),
            ("GET", "/v1/models", None, key),
            ("POST", "/v1/chat/completions", b"{bad", key),
            ("POST", "/v1/chat/completions", b"x" * 11, key),
            ("GET", "/v1/models", None, wrong),
            ("GET", "/healthz", None, None),
        ):
            front.ask(method, path, body, headers)
        owners = [trail.owner for _, _, _, _, trail in front.observed.answers]
        self.assertEqual(owners, ["key:one"] * 4 + [""] * 2)

    def test_param(self) -> None:
        """A param that quotes the client is one printable word of limited length."""
        error = GatewayError(400, "no", code="unknown_parameter", param="a b\n| c" + "x" * 10**6)
        self.assertEqual(error_reason(error), "error unknown_parameter param a?b?|?c" + "x" * 93)


class ErrorTests(AnswerTestCase):
    """Errors of the gateway and of agd itself."""

    def test_told(self) -> None:
        """An error has its status, OpenAI's shape, when to ask again, and the same headers as an answer."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.fail(busy())
        reply = connection.reply
        self.assertEqual((reply.status, reply.error["type"]), (429, "rate_limit_error"))
        self.assertEqual((reply.headers["retry-after"], reply.headers["retry-after-ms"]), ("8", "7200"))
        self.assertEqual(reply.headers["x-mapped-model"], "gemini-2.5-flash")
        self.assertEqual(reply.headers["x-account-email"], "first@example.com")
        self.assertEqual(self.front.observed.statuses, [429])
        self.assertFalse(connection.closing)

    def test_G38_final_errors(self) -> None:
        """An error that asking again does not change says so in its header, and the notices are told with it."""
        connection, call = self.asked("/v1/chat/completions", {**CHAT, "user": "ann", "seed2": 1})
        call.fail(client_error(UpstreamFailure(FailureKind.STATUS, "bad", status=400)))
        reply = connection.reply
        self.assertEqual((reply.status, reply.headers["x-should-retry"]), (400, "false"))
        self.assertIn("user: ", reply.headers["x-agd-notices"])
        self.assertIn("seed2: ", reply.headers["x-agd-notices"])

    def test_G38_agds_own_refusals(self) -> None:
        """Whatever agd itself refuses need not be sent again, and is told so once; what may pass later is not."""
        for method, path, body, status in (
            ("POST", "/v1/chat/completions", b"{", 400),
            ("GET", "/nowhere", None, 404),
            ("DELETE", "/v1/models", None, 405),
        ):
            received = self.front.ask(method, path, body).received
            self.assertIn(f"HTTP/1.1 {status} ".encode(), received)
            self.assertEqual(received.lower().count(b"x-should-retry: false"), 1)
        connection, call = self.asked("/v1/responses", {"model": "mine", "input": "x"})
        call.fail(busy())
        self.assertNotIn("x-should-retry", connection.reply.headers)

    def test_G38_once(self) -> None:
        """An error that brings the header itself does not get it twice."""
        final = GatewayError(400, "no", headers=(("x-should-retry", "false"),))
        names = [name.lower() for name, _ in error_headers(final)]
        self.assertEqual(names.count("x-should-retry"), 1)

    def test_retry_after_is_never_zero(self) -> None:
        """Retry-After is at least a second: zero would be an invitation to hammer."""
        connection, call = self.asked("/v1/responses", {"model": "mine", "input": "x"})
        call.fail(GatewayError(503, "no", retry_after=0.0))
        self.assertEqual(connection.reply.headers["retry-after"], "1")

    def test_unsaid(self) -> None:
        """Without a time there is no Retry-After."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.fail(GatewayError(502, "no answer", type="server_error"))
        self.assertNotIn("retry-after", connection.reply.headers)

    def test_mistake(self) -> None:
        """A mistake of agd's is 500 in JSON without a trace of what it was; the log has it, under the request's id."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.fail(ZeroDivisionError("secret detail"))
        reply = connection.reply
        self.assertEqual((reply.status, reply.error["code"]), (500, "internal_error"))
        self.assertEqual(reply.headers["x-mapped-model"], "gemini-2.5-flash")
        for word in (b"secret", b"Zero", b"Traceback", b"html", b".py"):
            self.assertNotIn(word, connection.received)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.front.observed.statuses, [500])
        self.assertFalse(connection.closing)

    def test_mistake_in_rendering(self) -> None:
        """The same holds when an answer cannot be written."""
        connection, call = self.asked("/v1/chat/completions", CHAT)
        call.answer(None)
        self.assertEqual(connection.reply.status, 500)
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)


class SessionTests(AnswerTestCase):
    """What the gateway is told of the conversation."""

    def session(self, headers: dict[str, str], **more: Any) -> str | None:
        """Ask with these headers; return what reaches the gateway."""
        _, call = self.front.begin(headers, **more)
        return weightier(call.prompt.session, call.trail.said)

    def test_headers(self) -> None:
        """A session header counts, whichever of the two it is; an empty one does not."""
        self.assertEqual(self.session({"session-id": "s"}), "header:s")
        self.assertEqual(self.session({"X-Session-Id": "s"}), "header:s")
        self.assertIsNone(self.session({"session-id": ""}))

    def test_body_and_headers(self) -> None:
        """prompt_cache_key comes before a header, a header before user."""
        headers = {"session-id": "s"}
        self.assertEqual(self.session(headers, prompt_cache_key="k"), "key:k")
        self.assertEqual(self.session(headers, user="ann"), "header:s")
        self.assertEqual(self.session({}, user="ann"), "user:ann")

    def test_every_route(self) -> None:
        """Every protocol has the fields."""
        for path, body in (
            ("/v1/chat/completions", CHAT),
            ("/v1/completions", {"model": "gpt-4o", "prompt": "hello"}),
            ("/v1/responses", {"model": "gpt-4o", "input": "hello"}),
        ):
            _, call = self.asked(path, {**body, "user": "ann"})
            self.assertEqual(call.prompt.session, "user:ann", path)
