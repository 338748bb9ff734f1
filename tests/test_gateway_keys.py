"""One gate for every way to ask: what a key allows is looked at, booked and settled, whatever comes of a request."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone

from agd.allowance import Allowance, read_budgets
from agd.conversation import Prompt, Sampling
from agd.errors import GatewayError
from agd.gateway import Trail
from agd.keys.turnstile import Spent
from agd.upstream.relay import Collector
from tests.gateways import MODEL, GatewayTestCase, prompt
from tests.upstream.script import UNREACHABLE, Says, Silence, refusal
from tests.upstream.wire import chunk, sse

ANN = "key:ann"
COUNTED = chunk("lo", "STOP", usageMetadata={"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12})
WHOLE = Says(sse(chunk("hel"), COUNTED))
OPEN = Says(sse(chunk("hel", usageMetadata={"promptTokenCount": 7, "totalTokenCount": 7})), ends=None)


def short(**more: Any) -> Prompt:
    """Make a prompt that is thought to take about 15 tokens."""
    return prompt(sampling=Sampling(max_tokens=10), **more)


class KeysTestCase(GatewayTestCase):
    """A gateway that Ann may ask for so much."""

    def setUp(self) -> None:
        super().setUp()
        self.allow(budgets=read_budgets("1000/total"), concurrency=2)
        for name in self.names:
            self.actor.lines[name] = [WHOLE] * 9

    def allow(self, **terms: Any) -> None:
        """Let Ann in on these terms."""
        self.gateway.turnstile.allow({ANN: Allowance(**terms)})

    def say(self, *outcomes: Any) -> None:
        """Let these be the next answers, whoever is asked first."""
        for name in self.names:
            self.actor.lines[name] = list(outcomes)

    def ask(self, how: str, asked: Prompt | None = None) -> Deferred[Any]:
        """Ask as Ann: ``open``, ``complete`` or ``count``."""
        self.trail = Trail("req_1", owner=ANN)
        return Deferred.fromCoroutine(getattr(self.gateway, how)(asked or short(), self.trail))

    @property
    def books(self) -> tuple[int, int, int]:
        """Tokens spent, tokens reserved, and requests under way."""
        spent = [each.tokens for each in self.gateway.turnstile.spent(ANN)]
        tab = self.gateway.turnstile._tabs[ANN]
        return sum(spent), tab.purses[0].reserved, tab.running

    def test_whole(self) -> None:
        """A whole answer costs what the provider counted."""
        self.successResultOf(self.ask("complete"))
        self.assertEqual(self.books, (12, 0, 0))

    def test_several(self) -> None:
        """Choices that are calls of their own are all counted, streamed or not."""
        asked = short(n=3)
        self.successResultOf(self.ask("complete", asked))
        self.successResultOf(self.successResultOf(self.ask("open", asked)).pour(Collector()))
        calls = len(self.actor.calls)
        self.assertEqual(self.books, (12 * calls, 0, 0))

    def test_count(self) -> None:
        """Counting is a request, and takes no tokens."""
        self.allow(rpm=1, budgets=read_budgets("1000/total"))
        self.successResultOf(self.ask("count"))
        self.assertEqual(self.books, (0, 0, 0))
        self.refused_with(self.ask("count"), 429)

    def test_stream(self) -> None:
        """A stream is under way, with its estimate reserved, until its last event."""
        self.say(OPEN)
        source = self.successResultOf(self.ask("open"))
        self.assertEqual(self.books, (0, 15, 1))
        poured = source.pour(Collector())
        relay = self.actor.relays[-1]
        relay.dataReceived(sse(COUNTED))
        self.assertEqual(self.books, (0, 15, 1))
        relay.connectionLost(Failure(ResponseDone()))
        self.successResultOf(poured)
        self.assertEqual(self.books, (12, 0, 0))

    def test_client_leaves(self) -> None:
        """Of a stream whose client leaves what the provider had told by then is paid, once."""
        self.say(OPEN)
        source = self.successResultOf(self.ask("open"))
        poured = source.pour(Collector())
        source.stopProducing()
        self.failureResultOf(poured)
        source.stopProducing()
        self.assertEqual(self.books, (7, 0, 0))

    def test_nothing_told(self) -> None:
        """Of a complete answer whose tokens the provider does not tell the estimate is paid."""
        self.say(Says(sse(chunk("hello", "STOP"))))
        self.successResultOf(self.ask("complete"))
        self.assertEqual(self.books, (15, 0, 0))

    def test_failure(self) -> None:
        """A request that fails has cost nothing, whether it could be asked or not."""
        self.say(*[UNREACHABLE] * 9)
        self.failureResultOf(self.ask("open"), GatewayError)
        self.say(refusal(400, grpc="INVALID_ARGUMENT"))
        self.refused_with(self.ask("complete"), 400)
        self.assertEqual(self.books, (0, 0, 0))

    def test_given_up(self) -> None:
        """A request that is given up before its answer has begun has cost nothing."""
        for how in ("open", "complete"):
            self.say(Silence())
            asked = self.ask(how)
            self.assertEqual(self.books[2], 1)
            asked.cancel()
            self.failureResultOf(asked, CancelledError)
            self.assertEqual(self.books, (0, 0, 0))

    def test_silent(self) -> None:
        """An answer in which nothing was to be generated costs nothing."""
        self.successResultOf(self.ask("open", short(silent=True)))
        self.successResultOf(self.ask("complete", short(silent=True)))
        self.assertEqual(self.books, (0, 0, 0))

    def test_model(self) -> None:
        """A model that the key may not ask for does not exist, on every way; no account is asked."""
        self.allow(models=("gemini-2.5-pro",))
        for how in ("open", "complete", "count"):
            error = self.refused_with(self.ask(how), 404)
            self.assertEqual((error.code, error.param), ("model_not_found", "model"))
        self.assertEqual(self.actor.asked, [])
        self.allow(models=("al*",))
        self.successResultOf(self.ask("complete", short(model="alias")))
        self.refused_with(self.ask("complete", short()), 404)
        self.assertEqual(self.gateway.offers(ANN), ["alias"])
        self.assertIn(MODEL, self.gateway.offers("local"))

    def test_too_many(self) -> None:
        """The third of two at a time is refused on every way, and let in when one has ended."""
        self.say(OPEN, OPEN)
        first = self.successResultOf(self.ask("open"))
        self.successResultOf(self.ask("open"))
        for how in ("open", "complete", "count"):
            self.assertEqual(self.refused_with(self.ask(how), 429).code, "rate_limit_exceeded")
        first.dismiss()
        self.say(WHOLE)
        self.successResultOf(self.ask("complete"))

    def test_reserved(self) -> None:
        """A place that is reserved is taken by the request with the same trail, and given back without one."""
        self.allow(rpm=1, concurrency=1)
        trail = self.trail = Trail("req_1", owner=ANN)
        self.gateway.reserve(short(), trail)
        self.refused_with(self.ask("complete"), 429)
        self.successResultOf(Deferred.fromCoroutine(self.gateway.complete(short(), trail)))
        self.assertEqual(self.gateway.turnstile.running(ANN), 0)
        self.clock.advance(60)
        again = Trail("req_2", owner=ANN)
        self.gateway.reserve(short(), again)
        again.let_go()
        again.let_go()
        self.assertEqual(self.gateway.turnstile.running(ANN), 0)

    def test_standing(self) -> None:
        """The trail tells how the owner stands, for the answer's head."""
        self.allow(rpm=2, tpm=100)
        self.successResultOf(self.ask("complete"))
        standing = dict(self.trail.standing)
        left = [standing[f"x-ratelimit-remaining-{what}"] for what in ("requests", "tokens")]
        self.assertEqual(left, ["1", "85"])

    def test_nobody_else_pays(self) -> None:
        """Owners without terms leave no trace in the books."""
        trail = Trail("req_1", owner="local")
        self.successResultOf(Deferred.fromCoroutine(self.gateway.complete(short(), trail)))
        self.assertEqual((list(self.gateway.turnstile.spent("local")), trail.standing), ([], ()))
        self.gateway.turnstile.restore([Spent(ANN, "total", "total", 999)])
        self.refused_with(self.ask("complete"), 429)
