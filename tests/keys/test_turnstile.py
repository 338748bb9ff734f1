"""Who is let in, and that whatever was reserved is settled once."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from agd.allowance import Allowance, Budget, read_budgets
from agd.errors import GatewayError
from agd.keys.amount import Estimate
from agd.keys.purse import end_of, label
from agd.keys.tab import FREE, Moment, Ticket
from agd.keys.turnstile import Spent, Turnstile

WALL = 1_796_083_200.0  # 2026-12-01T00:00:00Z
ANN, BOB = "key:ann", "key:bob"
NAMES = ("gpt-4o", "gemini-2.5-pro")


def at(now: float) -> Moment:
    """Give a moment so many seconds after the beginning."""
    return Moment(now, WALL + now)


class TurnstileTestCase(SynchronousTestCase):
    """A turnstile for Ann, with the terms of a test."""

    def setUp(self) -> None:
        self.told: list[str] = []
        self.turnstile = Turnstile(self.told.append)

    def allow(self, **terms: Any) -> None:
        """Let Ann in on these terms, and Bob on none."""
        self.turnstile.allow({ANN: Allowance(**terms), BOB: Allowance()})

    def admit(self, now: float = 0.0, tokens: int = 0, owner: str = ANN, **more: Any) -> Ticket:
        """Ask to be let in."""
        return self.turnstile.admit(owner, NAMES, at(now), lambda: Estimate(tokens, 0), **more)

    def refusal(self, now: float = 0.0, tokens: int = 0, owner: str = ANN) -> GatewayError:
        """Return the error of one who is not let in."""
        error: GatewayError = self.assertRaises(GatewayError, self.admit, now, tokens, owner)
        return error


class WhoTests(TurnstileTestCase):
    """Owners and models."""

    def test_nobody_is_known(self) -> None:
        """As long as nothing was said, everything is allowed; later only known names, and whoever has none."""
        self.admit()
        self.allow(rpm=1)
        self.assertEqual(
            (self.refusal(owner="key:eve").status, self.refusal(owner="key:eve").code), (401, "invalid_api_key")
        )
        for owner in ("local", "mac:0123", BOB):
            self.admit(owner=owner)

    def test_expired(self) -> None:
        """A key that is over lets nothing in, from that moment on."""
        self.allow(expires=WALL + 10)
        self.admit(9.9)
        self.assertEqual((self.refusal(10).status, self.refusal(10).code), (401, "invalid_api_key"))

    def test_models(self) -> None:
        """A model is allowed by either of its names; another one does not exist."""
        for patterns, allowed in ((("gpt-*",), True), (("gemini-2.5-pro",), True), (("gpt-4", "*-flash"), False)):
            self.allow(models=patterns)
            self.assertEqual(self.turnstile.visible(ANN, NAMES), allowed, patterns)
        error = self.refusal()
        self.assertEqual((error.status, error.code, error.param), (404, "model_not_found", "model"))
        self.assertTrue(self.turnstile.visible(BOB, NAMES))


class LimitTests(TurnstileTestCase):
    """The four limits, and the words for them."""

    def test_requests(self) -> None:
        """One request more than a minute has is refused until the oldest is a minute old."""
        self.allow(rpm=2)
        self.admit(0).release(at(1))
        ticket = self.admit(10)
        error = self.refusal(20)
        self.assertEqual((error.status, error.type, error.code), (429, "requests", "rate_limit_exceeded"))
        self.assertEqual(error.retry_after, 40.0)
        self.assertEqual(
            error.headers,
            (
                ("x-ratelimit-limit-requests", "2"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "50s"),
            ),
        )
        self.assertIn("(RPM): Limit 2, Used 2, Requested 1. Please try again in 40s.", error.message)
        self.assertEqual(dict(ticket.standing(at(61)))["x-ratelimit-remaining-requests"], "1")
        self.admit(60)

    def test_again(self) -> None:
        """What agd itself asks once more is not another request."""
        self.allow(rpm=1)
        self.admit()
        self.admit(again=True)
        self.refusal()

    def test_concurrency(self) -> None:
        """One request more than may run is refused until one has ended."""
        self.allow(concurrency=1)
        ticket = self.admit()
        error = self.refusal()
        self.assertEqual((error.status, error.code, error.retry_after), (429, "rate_limit_exceeded", 1.0))
        ticket.settle(5, at(1))
        ticket.settle(5, at(1))
        self.admit()
        self.refusal()
        self.assertEqual(self.turnstile.running(ANN), 1)

    def test_tokens(self) -> None:
        """Tokens are reserved as estimated, and corrected when they are known."""
        self.allow(tpm=100)
        ticket = self.admit(tokens=80)
        error = self.refusal(tokens=30)
        self.assertEqual((error.type, error.code, error.retry_after), ("tokens", "rate_limit_exceeded", 60.0))
        self.assertIn(("x-ratelimit-remaining-tokens", "20"), error.headers)
        ticket.settle(50, at(1))
        self.admit(2, tokens=50)

    def test_too_large(self) -> None:
        """A request that no minute has room for is refused for good."""
        self.allow(tpm=100)
        error = self.refusal(tokens=101)
        self.assertEqual((error.status, error.type, error.retry_after), (429, "tokens", None))
        self.assertIn(("X-Should-Retry", "false"), error.headers)

    def test_budget(self) -> None:
        """What a budget does not cover is refused, in OpenAI's words for that; the next day covers it again."""
        self.allow(budgets=read_budgets("100/day, 150/month"))
        self.admit(tokens=60).settle(90, at(1))
        error = self.refusal(tokens=20)
        self.assertEqual((error.status, error.type, error.code), (429, "insufficient_quota", "insufficient_quota"))
        self.assertEqual(error.retry_after, 86400.0)
        self.assertIn("10 of today's 100 tokens", error.message)
        self.admit(86400, tokens=60)
        self.assertIn("0 of this month's 150", self.refusal(86400, tokens=1).message)

    def test_counting_costs_nothing(self) -> None:
        """A request that takes no tokens does not need any."""
        self.allow(budgets=read_budgets("10/total"), tpm=10)
        self.admit(tokens=10).settle(30, at(0))
        self.refusal(tokens=1)
        self.admit(tokens=0)

    def test_nothing_in_part(self) -> None:
        """A refused request has booked nothing, whatever it was refused for."""
        self.allow(rpm=5, tpm=100, concurrency=1, budgets=read_budgets("1000/day"))
        ticket = self.admit(tokens=10)
        before = ticket.standing(at(0))
        self.refusal(tokens=10)
        self.refusal(tokens=2000)
        self.assertEqual(ticket.standing(at(0)), before)
        ticket.release(at(0))
        self.admit(tokens=100)

    def test_other_terms(self) -> None:
        """Other terms hold at once, and what was used under the old ones is counted."""
        self.allow(rpm=5)
        self.admit()
        self.allow(rpm=1)
        self.refusal()
        self.allow()
        self.admit()


class SpentTests(TurnstileTestCase):
    """What outlives a daemon."""

    def test_there_and_back(self) -> None:
        """What was spent is told with its period, and a later turnstile goes on from it."""
        self.allow(budgets=read_budgets("100/day"))
        self.admit(tokens=10).settle(95, at(0))
        self.assertEqual(self.told, [ANN])
        spent = list(self.turnstile.spent(ANN))
        self.assertEqual(spent, [Spent(ANN, "day", "2026-12-01", 95)])
        self.turnstile = Turnstile()
        self.turnstile.restore(spent)
        self.allow(budgets=read_budgets("100/day"))
        self.assertEqual(self.turnstile.spent_of(ANN, Budget(100, "day"), WALL), 95)
        self.refusal(tokens=10)
        self.assertEqual(self.turnstile.spent_of(ANN, Budget(100, "day"), WALL + 86400), 0)
        self.admit(86400, tokens=10)

    def test_taken_out_and_back(self) -> None:
        """A budget that is taken out of the terms for a while has not forgotten what was spent."""
        self.allow(budgets=read_budgets("100/total"))
        self.admit(tokens=10).settle(95, at(0))
        self.allow(rpm=9)
        self.admit(tokens=1000)
        self.allow(budgets=read_budgets("100/total"))
        self.refusal(tokens=10)

    def test_periods(self) -> None:
        """Days and months are those of the calendar in UTC."""
        self.assertEqual(
            [label(period, WALL) for period in ("day", "month", "total")], ["2026-12-01", "2026-12", "total"]
        )
        self.assertEqual(end_of("day", WALL + 5), WALL + 86400)
        self.assertEqual(end_of("month", WALL), WALL + 31 * 86400)
        self.assertIsNone(end_of("total", WALL))


class Crowd(RuleBasedStateMachine):
    """Requests come, end in any way, and more than once; time passes."""

    tickets: Bundle[tuple[Ticket, list[float]]] = Bundle("tickets")
    terms = Allowance(rpm=6, tpm=60, concurrency=3, budgets=(Budget(150, "day"), Budget(200, "total")))

    def __init__(self) -> None:
        super().__init__()
        self.turnstile = Turnstile()
        self.turnstile.allow({ANN: self.terms})
        self.now = 0.0
        self.admitted: list[list[float]] = []
        self.running = 0
        self.used = 0

    @rule(seconds=st.floats(0, 50))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(target=tickets, tokens=st.integers(0, 70))
    def ask(self, tokens: int) -> tuple[Ticket, list[float]]:
        """Ask to be let in; one who is not gets a ticket that means nothing."""
        try:
            ticket = self.turnstile.admit(ANN, NAMES, at(self.now), lambda: Estimate(tokens, 0))
        except GatewayError as error:
            assert error.status == 429
            return FREE, [0, 0]
        booked = [self.now, tokens]
        self.admitted.append(booked)
        self.running += 1
        return ticket, booked

    @rule(held=consumes(tickets), used=st.integers(0, 90), times=st.integers(1, 3))
    def end(self, held: tuple[Ticket, list[float]], used: int, times: int) -> None:
        """End a request, once or several times over with different tales."""
        ticket, booked = held
        if ticket.is_open:
            self.running -= 1
            self.used += used
            booked[1] = min(booked[1], used)
        for time in range(times):
            ticket.settle(used + 7 * time, at(self.now))
        ticket.release(at(self.now))

    @invariant()
    def limits_hold(self) -> None:
        """No minute had more requests than allowed, nor more tokens of what was booked; and never more ran."""
        assert self.turnstile.running(ANN) == self.running <= 3
        for end, _ in self.admitted:
            within = [tokens for moment, tokens in self.admitted if end - 60 < moment <= end]
            assert len(within) <= 6
            assert sum(within) <= 60

    @invariant()
    def nothing_leaks(self) -> None:
        """What is reserved is what runs, and what is spent is what was used."""
        spent = {each.period: each.tokens for each in self.turnstile.spent(ANN)}
        assert spent.get("total", 0) == self.used
        if self.running == 0:
            tabs = self.turnstile._tabs
            assert all(purse.reserved == 0 for tab in tabs.values() for purse in tab.purses)


class CrowdTests(SynchronousTestCase):
    """The machine above."""

    def test_crowd(self) -> None:
        """No limit is ever exceeded, no reservation leaks, and every request is settled once."""
        run_state_machine_as_test(Crowd, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))


class OtherTermsTests(TurnstileTestCase):
    """Terms that change while something is counted."""

    def test_limit_given_back(self) -> None:
        """A limit that is taken away and given back within the minute has forgotten nothing."""
        self.allow(rpm=2, tpm=100)
        for _ in range(2):
            self.admit(tokens=10).settle(10, at(0))
        self.allow()
        self.admit(1.0).settle(0, at(1))
        self.allow(rpm=2)
        self.assertEqual(self.refusal(2.0).code, "rate_limit_exceeded")
        self.allow(tpm=100)
        self.assertEqual(self.refusal(2.0, 81).code, "rate_limit_exceeded")
        self.admit(2.0, 80)

    def test_running_without_terms(self) -> None:
        """What runs of a key without limits counts for the limit that it is given."""
        self.allow()
        tickets = [self.admit() for _ in range(2)]
        self.assertEqual(self.turnstile.running(ANN), 2)
        self.allow(concurrency=2)
        self.assertEqual(self.refusal().code, "rate_limit_exceeded")
        tickets[0].settle(0, at(1))
        self.admit(1.0)

    def test_budget_given_meanwhile(self) -> None:
        """A budget that is given while a request runs pays for it."""
        self.allow()
        ticket = self.admit(tokens=10)
        self.allow(budgets=(Budget(100, "day"),))
        ticket.settle(70, at(1))
        self.assertEqual(self.refusal(2.0, 31).code, "insufficient_quota")
        self.admit(2.0, 30)

    def test_budget_given_back_after_a_restart(self) -> None:
        """What was spent of a budget that the key does not have at the moment is spent when it has it again."""
        self.turnstile.restore([Spent(ANN, "total", "total", 900)])
        self.allow(budgets=(Budget(10_000, "day"),))
        self.admit(tokens=5).settle(5, at(0))
        self.assertIn(Spent(ANN, "total", "total", 900), list(self.turnstile.spent(ANN)))
        self.allow(budgets=(Budget(1000, "total"),))
        self.assertEqual(self.refusal(1.0, 101).code, "insufficient_quota")


class BudgetTextTests(SynchronousTestCase):
    """Budgets as they are written."""

    def test_read(self) -> None:
        """Several periods may be given, each once; anything else is refused."""
        self.assertEqual(read_budgets("5/day , 70/total"), (Budget(5, "day"), Budget(70, "total")))
        self.assertEqual(", ".join(map(str, read_budgets("5/day,7/month"))), "5/day, 7/month")
        for text in ("", "5", "5/week", "0/day", "-1/day", "1.5/day", "5/day,5/day", "5/day,", "٣/day"):
            self.assertRaises(ValueError, read_budgets, text)

    def test_terms(self) -> None:
        """What counts tokens is told apart from what does not."""
        plain = Allowance()
        self.assertFalse(evolve(plain, models=("a",), expires=1.0, rpm=1, concurrency=1).counts_tokens)
        self.assertTrue(evolve(plain, tpm=1).counts_tokens)
