"""Who is asked: modes, weights, priorities, pins, limits, models, and conversations that stay."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.sticky import Assignments
from agd.accounts.terms import Terms
from agd.errors import Cause
from tests.accounts.pools import PoolCase, account

A, B, C = map(account, "abc")


class ModeTests(PoolCase):
    """What decides between accounts that may all be asked."""

    def test_balance_of_strangers(self) -> None:
        """Without a conversation, and for new ones, the turns go round."""
        self.make(A, B, C)
        self.assertEqual("".join(self.asked() for _ in range(6)), "abcabc")
        self.assertEqual("".join(self.asked(session=f"s{number}") for number in range(6)), "abcabc")

    def test_performance_first(self) -> None:
        """Every request goes to the account that carries the least, whatever conversation it belongs to."""
        self.make(A, B, C, mode=Mode.PERFORMANCE_FIRST)
        held = [self.take(session="s") for _ in range(3)]
        self.assertEqual([lease.account for lease in held], [A, B, C])
        held[1].release()
        self.assertEqual(self.asked(session="s"), "b")
        held[2].release()
        self.assertEqual([self.take().account for _ in range(3)], [C, B, A])

    def test_performance_first_by_weight(self) -> None:
        """An account with a double weight carries twice as much before it counts as equally busy."""
        self.make(account("a", weight=2), B, mode=Mode.PERFORMANCE_FIRST)
        self.assertEqual(Counter(self.take().account.email[0] for _ in range(30)), {"a": 20, "b": 10})

    def test_fill_first(self) -> None:
        """The first account is asked until it cannot be; when it is back it is first again."""
        self.make(A, B, C, mode=Mode.FILL_FIRST)
        self.assertEqual("".join(self.asked(session="s") for _ in range(3)), "aaa")
        self.rest("a", 10)
        self.assertEqual([self.asked(now, session="s") for now in (0, 9.9, 10)], ["b", "b", "a"])

    def test_changed_while_running(self) -> None:
        """Another mode holds from the next request on; leases that run are given back as ever."""
        self.make(A, B)
        lease = self.take()
        self.pool.configure(Scheduling(Mode.FILL_FIRST))
        lease.release()
        self.assertEqual("".join(self.asked() for _ in range(3)), "aaa")


class WeightTests(PoolCase):
    """Shares of the turns."""

    def test_shares(self) -> None:
        """Turns are shared by weight, and mixed as evenly as whole turns allow."""
        self.make(account("a", weight=3), B, account("c", weight=0.5))
        turns = "".join(self.asked() for _ in range(90))
        self.assertEqual(Counter(turns), {"a": 60, "b": 20, "c": 10})
        self.assertNotIn("aaaaaa", turns)

    @given(st.lists(st.sampled_from([0.5, 1.0, 2.0, 5.0]), min_size=1, max_size=5))
    def test_any_weights(self, weights: list[float]) -> None:
        """Whatever the weights, nobody is ever more than two turns away from its share."""
        accounts = [account(chr(97 + place), weight=weight) for place, weight in enumerate(weights)]
        pool, total = Pool.of(accounts), sum(weights)
        counts: Counter[str] = Counter()
        for turn in range(1, 60):
            counts[pool.lease("m", 0).account.id] += 1
            for each, weight in zip(accounts, weights, strict=True):
                self.assertLess(abs(counts[each.id] - turn * weight / total), 2.0 + len(weights) / 4)

    def test_return(self) -> None:
        """Who comes back from a long rest gets its turns, not all that it missed."""
        self.make(A, B)
        self.rest("a", 100)
        self.assertEqual("".join(self.asked(now) for now in range(50)), "b" * 50)
        self.assertEqual("".join(self.asked(100) for _ in range(6)), "ababab")


class PriorityTests(PoolCase):
    """Tiers."""

    def test_higher_first(self) -> None:
        """Those of a lower priority are asked only when nobody of a higher one can be, in every mode."""
        for mode in Mode:
            self.make(A, account("b", priority=1), account("c", priority=-1), mode=mode)
            self.assertEqual("".join(self.asked() for _ in range(3)), "bbb", mode)
            self.rest("b", 10)
            self.assertEqual("".join(self.asked() for _ in range(2)), "aa")
            self.rest("a", 10)
            self.assertEqual("".join(self.asked() for _ in range(2)), "cc")
            self.assertEqual(self.asked(10), "b")


class PinTests(PoolCase):
    """A model's own account."""

    def test_pinned(self) -> None:
        """A pinned account is asked first, by its address or its id, also where a conversation is elsewhere."""
        for name in (B.email, B.id):
            self.make(A, B, pinned=(("m", name),))
            self.assertEqual("".join(self.asked(session="s") for _ in range(3)), "bbb")
            self.assertEqual(self.asked(model="other"), "a")

    def test_cannot_be_asked(self) -> None:
        """When it cannot be asked, or was tried, others are; a name that nobody has pins nothing."""
        self.make(A, B, C, pinned=(("*", B.email), ("n*", "nobody@example.com")))
        self.assertEqual(self.asked(tried={B.id}), "a")
        self.rest("b", 10)
        self.assertEqual([self.asked(now) for now in (1, 2, 10)], ["c", "a", "b"])
        self.assertEqual(self.asked(model="n"), "c")

    def test_pattern(self) -> None:
        """Of several patterns the one with the most literal characters holds."""
        self.make(A, B, C, pinned=(("*", B.email), ("m-*", C.email)))
        self.assertEqual([self.asked(model=model) for model in ("m-1", "x", "m-2")], ["c", "b", "c"])

    def test_models(self) -> None:
        """A pin does not make an account serve what its models leave out."""
        self.make(A, account("b", models=("x",)), pinned=(("*", "b@example.com"),))
        self.assertEqual([self.asked(model=model) for model in ("m", "x")], ["a", "b"])


class ModelTests(PoolCase):
    """What an account may be asked for."""

    def test_patterns(self) -> None:
        """Only accounts whose patterns fit are asked."""
        self.make(account("a", models=("gemini-*-pro",)), account("b", models=("gemini-2*", "x")), C)
        self.assertEqual({self.asked(model="gemini-3-pro") for _ in range(4)}, {"a", "c"})
        self.assertEqual({self.asked(model="gemini-2-pro") for _ in range(6)}, {"a", "b", "c"})
        self.assertEqual({self.asked(model="x") for _ in range(4)}, {"b", "c"})

    def test_nobody(self) -> None:
        """A model that nobody serves is told apart from accounts that cannot be asked just now."""
        self.make(account("a", models=("x",)))
        self.assertFalse(self.exhausted().is_served)
        self.rest("a", 10, model="x")
        self.assertTrue(self.exhausted(model="x").is_served)
        self.assertIsNone(self.pool.wait("m", 0))


class LimitTests(PoolCase):
    """How much an account carries at a time."""

    def test_max_concurrency(self) -> None:
        """A full account is passed over until one of its requests ends; when all are full, that is what is told."""
        self.make(account("a", max_concurrency=2), account("b", max_concurrency=1))
        held = [self.take(model=model) for model in ("m", "n", "m")]
        self.assertEqual("".join(lease.account.email[0] for lease in held), "aba")
        found = self.exhausted()
        self.assertEqual((found.is_busy, found.cause, found.retry_after, found.wakes), (True, None, None, None))
        held[1].release()
        self.assertEqual((self.asked(), self.pool.wait("m", 0)), ("b", 0.0))

    def test_by_model(self) -> None:
        """A limit of a pattern is for each model that fits it; the more literal one wins; other models are free."""
        self.make(account("a", limits=(("m*", 1), ("m-big", 2))))
        for model in ("m-1", "m-2", "m-big", "m-big", "x", "x"):
            self.take(model=model)
        for model in ("m-1", "m-2", "m-big"):
            self.assertTrue(self.exhausted(model=model).is_busy)
        self.assertEqual(self.asked(model="x"), "a")

    def test_released_once(self) -> None:
        """A lease that is given back twice frees one place."""
        self.make(account("a", max_concurrency=2))
        first, _ = self.take(), self.take()
        for _ in range(3):
            first.release()
        self.take()
        self.exhausted()

    def test_replaced(self) -> None:
        """Leases that run when the configuration is read again still count, and are given back as ever."""
        self.make(account("a", max_concurrency=1))
        lease = self.take()
        self.pool.replace([account("a", max_concurrency=1), B])
        self.assertEqual([self.asked(), self.asked()], ["b", "b"])
        lease.release()
        self.assertEqual(self.asked(), "a")
        self.pool.replace([account("a", max_concurrency=5)])
        self.assertEqual(len([self.take() for _ in range(5)]), 5)

    def test_on_freed(self) -> None:
        """Whoever waits is told when a lease is given back, a rest is lifted or an account enabled."""
        told: list[str] = []
        self.make(A)
        self.pool.on_freed = lambda: told.append("freed")
        lease = self.take()
        lease.release()
        lease.release()
        self.assertEqual(len(told), 1)
        self.pool.reset(A.id)
        self.pool.enable(A.id)
        self.assertEqual(len(told), 3)


class ProjectTests(PoolCase):
    """The provider counts by project."""

    def setUp(self) -> None:
        """Two accounts of one project and one of another."""
        self.make(account("a", project="p"), account("b", project="p"), account("c", project="q"))

    def test_quota_is_shared(self) -> None:
        """When one account of a project has used its quota up, none of them is asked for that model."""
        self.rest("a", 10)
        self.assertEqual([self.asked(now) for now in (0, 1, 2)], ["c", "c", "c"])
        self.assertEqual(self.asked(model="other"), "a")
        self.assertIn(self.asked(10), "ab")

    def test_billing_is_shared(self) -> None:
        """What befell the project keeps all its accounts from every model."""
        self.lose(self.take(), Cause.BILLING, code=403)
        self.assertEqual("".join(self.asked(model=model) for model in "mnmn"), "cccc")

    def test_permission_is_not(self) -> None:
        """What one account may not do another of the project may."""
        self.lose(self.take(), Cause.FORBIDDEN, code=403)
        self.assertEqual({self.asked() for _ in range(4)}, {"b", "c"})

    def test_same_name_elsewhere(self) -> None:
        """A project is one upstream's."""
        self.make(account("a", project="p"), account("b", "https://other.example", project="p"))
        self.rest("a", 10)
        self.assertEqual(self.asked(), "b")

    def test_one_trial(self) -> None:
        """A rest that is shared is tried by one request, and its success frees all."""
        self.make(account("a", project="p"), account("b", project="p"))
        self.rest("a", 7200)
        trial = self.take(900)
        self.assertTrue(trial.is_trial)
        self.assertTrue(self.exhausted(900).is_busy)
        self.pool.succeed(trial, 901)
        self.assertEqual({self.asked(901) for _ in range(3)}, {"a", "b"})


class StickyTests(PoolCase):
    """K12: conversations."""

    def test_K12_stays(self) -> None:
        """A conversation stays with its account while others go round."""
        self.make(A, B, C)
        first = self.asked(session="s")
        self.assertEqual([self.asked(session="t"), self.asked(), self.asked(session="u")], ["b", "c", "a"])
        self.assertEqual({self.asked(session="s") for _ in range(9)}, {first})

    def test_K12_by_model(self) -> None:
        """It is with one account for each model: the provider's cache is a model's."""
        self.make(A, B)
        self.assertEqual([self.asked(session="s"), self.asked(model="n", session="s")], ["a", "b"])
        self.assertEqual([self.asked(session="s"), self.asked(model="n", session="s")], ["a", "b"])

    def test_K12_moves_once(self) -> None:
        """When its account rests it moves at once, and stays where it went when that one is back."""
        self.make(A, B, C)
        self.asked(session="s")
        self.lose(self.take(session="s"), Cause.MINUTE_QUOTA, retry_after=10.0)
        self.assertEqual([self.asked(now, session="s") for now in (0, 5, 10, 20)], ["b"] * 4)

    def test_K12_two_requests_of_one_failure(self) -> None:
        """Two requests of a conversation that fail on one account go on together on another."""
        self.make(A, B, C)
        both = [self.take(session="s") for _ in range(2)]
        for lease in both:
            self.lose(lease, Cause.MINUTE_QUOTA, retry_after=10.0)
        self.assertEqual([self.asked(session="s", tried={A.id}) for _ in both], ["b", "b"])

    def test_K12_tried(self) -> None:
        """A failure that rests nobody moves the conversation as well: it goes on where the answer came from."""
        self.make(A, B, C)
        self.asked(session="s")
        self.assertEqual([self.asked(session="s", tried={A.id}), self.asked(session="s")], ["b", "b"])

    def test_full_is_passed_over(self) -> None:
        """An account at its limit is passed over for once; the conversation stays with it."""
        self.make(account("a", max_concurrency=1), B)
        lease = self.take(session="s")
        self.assertEqual([self.asked(session="s"), self.asked(session="s")], ["b", "b"])
        lease.release()
        self.assertEqual(self.asked(session="s"), "a")

    def test_paused_or_gone(self) -> None:
        """It moves when its account is paused, or no longer configured."""
        self.make(A, B, C)
        self.asked(session="s")
        self.pool.replace([B, C])
        self.assertEqual(self.asked(session="s"), "b")

    def test_load_of_conversations(self) -> None:
        """An account with a busy conversation gets fewer new ones, but is not left out for long."""
        self.make(A, B)
        for _ in range(100):
            self.asked(session="s")
        turns = "".join(self.asked(session=f"new{number}") for number in range(40))
        self.assertEqual(turns[:5], "bbbbb")
        self.assertGreater(turns.count("a"), 12)

    def test_bounded(self) -> None:
        """Conversations are forgotten, those first that were not heard of for longest."""
        sessions = Assignments(2)
        for session in ("a", "b", "a", "c"):
            sessions.assign(session, "m", session.upper())
        self.assertEqual([sessions.find(session, "m") for session in "abc"], ["A", None, "C"])
        self.assertEqual(len(sessions), 2)


class CacheFirstTests(PoolCase):
    """Waiting for a conversation's account."""

    def setUp(self) -> None:
        """A conversation with the first of two accounts."""
        self.make(A, B, mode=Mode.CACHE_FIRST, max_wait=60.0)
        self.asked(session="s")

    def test_waits(self) -> None:
        """A rest that ends within the patience is waited for, although another account is free."""
        self.rest("a", 30)
        found = self.exhausted(5, session="s", patience=60.0)
        self.assertEqual((found.is_patient, found.wakes, found.retry_after), (True, 25, 25))
        self.assertEqual(self.asked(5), "b")
        self.assertEqual(self.asked(30, session="s", patience=60.0), "a")

    def test_patience_is_over(self) -> None:
        """A longer rest is not, nor one that is left when the patience is used up: the conversation moves."""
        self.rest("a", 30)
        self.assertEqual(self.asked(5, session="s", patience=20.0), "b")
        self.assertEqual(self.asked(30, session="s", patience=60.0), "b")

    def test_full_is_passed_over(self) -> None:
        """An account that is only busy is passed over in this mode as well."""
        self.make(account("a", max_concurrency=1), B, mode=Mode.CACHE_FIRST)
        self.take(session="s")
        self.assertEqual(self.asked(session="s", patience=60.0), "b")

    def test_tried(self) -> None:
        """An account that failed this very request is not waited for."""
        self.rest("a", 30)
        self.assertEqual(self.asked(5, session="s", patience=60.0, tried={A.id}), "b")


class TermsTests(PoolCase):
    """Patterns."""

    def test_star(self) -> None:
        """A star stands for any characters, also none; nothing else is special, and without one the name is meant."""
        terms = Terms(models=("a.b*", "x*y", "exact"))
        fits = [name for name in ("a.b", "a.bc", "aXb", "xy", "x-1-y", "xyz", "exact", "exactly") if terms.serves(name)]
        self.assertEqual(fits, ["a.b", "a.bc", "xy", "x-1-y", "exact"])
