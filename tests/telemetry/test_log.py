"""What the operator reads: one line for an answer, one for what befalls an account."""

from __future__ import annotations

from attrs import evolve
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.verdict import judge
from agd.conversation import Notice
from agd.errors import Cause
from agd.gateway import Trail
from agd.gemini.causes import cause_of
from agd.telemetry.log import Log
from tests.gateways import MODEL
from tests.upstream.script import REFUSED_KEY, UNREACHABLE, refusal
from tests.upstream.wire import account


class AnsweredTests(SynchronousTestCase):
    """Lines about answers."""

    def lines(self, trail: Trail, status: int = 200, path: str = "/v1/chat/completions") -> list[str]:
        """Return the lines about one answer."""
        with capturedLogs() as events:
            Log().answered("POST", path, status, 0.2504, trail)
        return [formatEvent(event) for event in events]

    def test_way_of_a_request(self) -> None:
        """The line tells what was asked and as what, who answered, how long it took and what went wrong."""
        trail = Trail("req_1", "gpt-4o", MODEL, account(), 2, ["acct_x: 500 internal"])
        way = f"gpt-4o -> {MODEL} by one@example.com in 2 attempt(s) | acct_x: 500 internal"
        self.assertEqual(self.lines(trail), [f"req_1 POST /v1/chat/completions 200 250ms {way}"])

    def test_nobody_was_asked(self) -> None:
        """A request that got as far as routing only says so; one that did not says nothing of models."""
        self.assertTrue(self.lines(Trail("req_1", "x", MODEL), 503)[0].endswith("by nobody in 0 attempt(s)"))
        self.assertEqual(self.lines(Trail("req_1"), 404, "/x"), ["req_1 POST /x 404 250ms"])

    def test_account_without_address(self) -> None:
        """An account without an address is told by its id."""
        nameless = evolve(account(), email="")
        self.assertIn(f"by {nameless.id} in", self.lines(Trail("req_1", "x", MODEL, nameless, 1))[0])

    def test_health_checks(self) -> None:
        """A health check that finds all well is not worth a line; one that does not is."""
        self.assertEqual(self.lines(Trail("r"), 200, "/healthz") + self.lines(Trail("r"), 200, "/readyz"), [])
        self.assertEqual(len(self.lines(Trail("r"), 503, "/readyz")), 1)

    def test_notices(self) -> None:
        """What was carried out otherwise than asked stands at the end of the line."""
        trail = Trail("req_1", notices=(Notice("user", "ignored"), Notice("store", "not kept")))
        [line] = self.lines(trail)
        self.assertEqual(line, "req_1 POST /v1/chat/completions 200 250ms | notices: user: ignored; store: not kept")

    def test_name_of_a_client(self) -> None:
        """What a client wrote as model neither floods the log nor forges a line or an escape of it."""
        name = "a\nb\x1b[31m{c}" + "x" * 10**6
        line = self.lines(Trail("req_1", "models/" + name, name))[0]
        self.assertIn(" models/a?b??31m{c}xxx", line)
        self.assertIn(" -> a?b??31m{c}xxx", line)
        self.assertLess(len(line), 400)

    def test_path_of_a_client(self) -> None:
        """Nor does what it wrote as path or method."""
        [line] = self.lines(Trail("req_1"), 404, "/x y\n\x1b" + "x" * 10**6)
        self.assertTrue(line.startswith("req_1 POST /x?y??xxx"), line[:100])
        self.assertTrue(line.endswith("x… 404 250ms"))
        self.assertLess(len(line), 200)

    def test_words(self) -> None:
        """A name with blanks cannot imitate the words around it."""
        [line] = self.lines(Trail("req_1", "a -> b by me@example.com in 1 attempt(s)", MODEL))
        self.assertIn(f" a?->?b?by?me@example.com?in?1?attempt(s) -> {MODEL} by nobody ", line)


class PunishedTests(SynchronousTestCase):
    """Lines about accounts."""

    def test_each_punishment(self) -> None:
        """A refused key is an error, a block a warning, a cooldown a remark, each with the provider's reason.

        Where the operator can do something it says what.
        """
        hint = "put a new key in its place, then reload (SIGHUP)"
        for failure, level, words in (
            (REFUSED_KEY, LogLevel.error, f"disabled until reload: 400 API key not valid.; {hint}"),
            (refusal(403), LogLevel.warn, f"blocked for {MODEL}: 403 status 403; see the account's permissions"),
            (refusal(429, retry_after=9.0), LogLevel.info, f"rests 9.0s for {MODEL}: 429 status 429"),
        ):
            with capturedLogs() as events:
                Log().punished(account(), MODEL, failure, judge(failure, cause_of(failure), 0.0))
            self.assertEqual([event["log_level"] for event in events], [level])
            self.assertEqual(formatEvent(events[0]), f"account one@example.com {words}")

    def test_words_of_a_provider(self) -> None:
        """What a provider wrote is shown without what moves a terminal."""
        failure = refusal(403, message="no\x1b[31m\u202e|yes")
        with capturedLogs() as events:
            Log().punished(account(), MODEL, failure, judge(failure, cause_of(failure), 0.0))
        self.assertIn(": 403 no?[31m??yes; ", formatEvent(events[0]) or "")

    def test_every_model(self) -> None:
        """What is about the account and not about a model is told so."""
        for cause, words in ((Cause.OWN_WAY, "rests 5.0s for every model"), (Cause.BILLING, "blocked for every model")):
            with capturedLogs() as events:
                Log().punished(account(), MODEL, UNREACHABLE, judge(UNREACHABLE, cause, 0.0))
            self.assertIn(words, formatEvent(events[0]))

    def test_nobody_is_blamed(self) -> None:
        """A failure that is nobody's fault has no line of its own: the answer's line tells it."""
        with capturedLogs() as events:
            verdict = judge(UNREACHABLE, Cause.UNREACHABLE, 0.0)
            Log().punished(account(), MODEL, UNREACHABLE, verdict)
        self.assertEqual(events, [])
