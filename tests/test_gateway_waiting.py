"""Requests that wait for an account: who is served when, and who is refused."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.lease import Lease
from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.search import Exhausted
from agd.errors import Cause
from agd.gateway.waiting import WaitingRoom, Wanted
from tests.accounts.pools import account, ruled

SECONDS = 10.0


@define(eq=False)
class Room:
    """A waiting room over a pool, and what became of the requests in it, by their names."""

    pool: Pool
    clock: Clock = field(factory=Clock)
    served: list[str] = field(factory=list)
    refused: dict[str, Exhausted] = field(factory=dict)
    leases: dict[str, Lease] = field(factory=dict)
    asked: dict[str, Deferred[Any]] = field(factory=dict)
    room: WaitingRoom = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.room = WaitingRoom(lambda: self.pool, self.clock, self.clock.seconds)

    def ask(self, name: str, owner: str = "ann", model: str = "m", **how: Any) -> None:
        """Let a request ask."""
        now = self.clock.seconds()
        how.setdefault("patient_until", now)
        wanted = Wanted(model, owner, how.pop("session", None), now + self.pool.scheduling.queue_seconds, **how)
        asked = self.asked[name] = Deferred.fromCoroutine(self.room.lease(wanted))
        asked.addCallbacks(self._serve, self._refuse, callbackArgs=(name,), errbackArgs=(name,))

    def _serve(self, lease: Lease, name: str) -> None:
        self.served.append(name)
        self.leases[name] = lease

    def _refuse(self, failure: Any, name: str) -> None:
        failure.trap(Exhausted, CancelledError)
        if failure.check(Exhausted):
            self.refused[name] = failure.value

    def finish(self, name: str) -> None:
        """Let a request end."""
        self.leases.pop(name).release()


class WaitingTestCase(SynchronousTestCase):
    """One account that carries one request at a time."""

    def setUp(self) -> None:
        self.room = self.make(account("a", max_concurrency=1))

    def make(self, *accounts: Any, **scheduling: Any) -> Room:
        """Make a room over a pool."""
        return Room(Pool.of(accounts, Scheduling(queue_seconds=SECONDS, **scheduling)))

    def check_idle(self) -> None:
        """Check that nobody waits and no timer runs."""
        self.assertEqual(len(self.room.room), 0)
        self.assertEqual(self.room.clock.getDelayedCalls(), [])


class OrderTests(WaitingTestCase):
    """Who is served when."""

    def test_at_once(self) -> None:
        """Whoever can be served is served at once."""
        self.room.ask("a1")
        self.assertEqual(self.room.served, ["a1"])
        self.check_idle()

    def test_in_order(self) -> None:
        """Those of one owner are served in the order in which they came."""
        for name in ("a1", "a2", "a3"):
            self.room.ask(name)
        for name in ("a1", "a2", "a3"):
            self.room.finish(name)
        self.assertEqual(self.room.served, ["a1", "a2", "a3"])
        self.check_idle()

    def test_fair(self) -> None:
        """Owners take turns: one that asks much does not keep the others waiting."""
        for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
            self.room.ask(name, owner=name[0])
        for place in range(6):
            self.room.finish(self.room.served[place])
        self.assertEqual(self.room.served, ["a1", "a2", "b1", "c1", "a3", "b2"])

    def test_models_take_turns(self) -> None:
        """Who waits for another model gets what is freed in turn too, however many wait for the first one."""
        for number in range(1, 5):
            self.room.ask(f"a{number}", owner="ann", model="m")
        self.room.ask("b1", owner="bob", model="n")
        for place in range(3):
            self.room.finish(self.room.served[place])
            self.room.ask(f"a{place + 5}", owner="ann", model="m")
        self.assertEqual(self.room.served, ["a1", "a2", "b1", "a3"])

    def test_models_of_one_owner(self) -> None:
        """One owner's requests for several models are served in the order in which they came."""
        for name, model in (("a1", "m"), ("a2", "m"), ("a3", "n"), ("a4", "m"), ("a5", "n")):
            self.room.ask(name, model=model)
        for place in range(4):
            self.room.finish(self.room.served[place])
        self.assertEqual(self.room.served, ["a1", "a2", "a3", "a4", "a5"])

    def test_models_do_not_block_each_other(self) -> None:
        """Who waits for a model that nobody can serve now does not hold up who waits for another."""
        room = self.room = self.make(account("a", max_concurrency=1))
        room.ask("a1", model="m")
        room.ask("a2", model="m")
        room.ask("b1", model="n")
        room.pool.fail(room.leases["a1"], *ruled(Cause.MINUTE_QUOTA, retry_after=5.0), 0.0)
        room.finish("a1")
        self.assertEqual(room.served, ["a1", "b1"])

    def test_newcomers_come_after(self) -> None:
        """A request that comes when an account is freed does not pass those that wait."""
        self.room.ask("a1")
        self.room.ask("a2")
        self.room.finish("a1")
        self.room.ask("a3")
        self.assertEqual(self.room.served, ["a1", "a2"])

    def test_who_cannot_use_it_is_passed(self) -> None:
        """Who has tried the account that is freed leaves it to the next."""
        self.room = self.make(account("a", max_concurrency=1), account("b", max_concurrency=1))
        first = self.room.pool.accounts[0].id
        self.room.ask("a1")
        self.room.ask("a2")
        self.room.ask("a3", tried={first})
        self.room.ask("a4")
        self.room.finish("a1")
        self.assertEqual(self.room.served, ["a1", "a2", "a4"])
        self.room.finish("a2")
        self.assertEqual(self.room.served[-1], "a3")

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ask", "end", "fail", "wait", "leave"]))))
    def test_served_or_timed_out_in_order(self, steps: list[tuple[str, str]]) -> None:
        """Whatever happens, each is served or refused in time, each owner's in their order, and nothing is left."""
        room = self.room = self.make(account("a", max_concurrency=1), account("b", max_concurrency=2))
        names: list[str] = []
        left: set[str] = set()
        for owner, what in steps:
            if what == "ask":
                names.append(f"{owner}{len(names):04}")
                room.ask(names[-1], owner)
            elif what == "wait":
                room.clock.advance(3)
            elif what == "leave" and names:
                room.asked[names[-1]].cancel()
                left.add(names[-1])
            elif room.leases:
                name = next(iter(room.leases))
                if what == "fail":
                    verdict, failure = ruled(Cause.MINUTE_QUOTA, retry_after=4.0)
                    room.pool.fail(room.leases[name], verdict, failure, room.clock.seconds())
                room.finish(name)
        room.clock.advance(SECONDS)
        for owner in "abc":
            mine = [name for name in room.served if name[0] == owner]
            self.assertEqual(mine, sorted(mine))
            late = [name for name in room.refused if name[0] == owner]
            self.assertEqual(late, sorted(late))
        self.assertEqual({*room.served, *room.refused, *left}, set(names))
        for name in list(room.leases):
            room.finish(name)
        self.assertEqual(sum(standing.running for standing in room.pool.roster), 0)
        self.check_idle()


class RefusalTests(WaitingTestCase):
    """Who is not kept waiting."""

    def test_in_time(self) -> None:
        """Who was not served when its time is over is refused then, and not before."""
        self.room.ask("a1")
        self.room.ask("a2")
        self.room.clock.advance(SECONDS - 0.1)
        self.assertEqual(self.room.refused, {})
        self.room.clock.advance(0.1)
        self.assertTrue(self.room.refused["a2"].is_busy)
        self.check_idle()

    def test_short_rest(self) -> None:
        """A rest that is over in time is waited for, to the moment."""
        self.room.pool.punish(self.room.pool.accounts[0], "m", *ruled(Cause.MINUTE_QUOTA, retry_after=4.0), 0.0)
        self.room.ask("a1")
        self.room.clock.advance(3.9)
        self.assertEqual(self.room.served, [])
        self.room.clock.advance(0.1)
        self.assertEqual(self.room.served, ["a1"])
        self.room.finish("a1")
        self.check_idle()

    def test_long_rest(self) -> None:
        """A rest that is not over in time is told at once."""
        self.room.pool.punish(self.room.pool.accounts[0], "m", *ruled(Cause.MINUTE_QUOTA, retry_after=11.0), 0.0)
        self.room.ask("a1")
        self.assertEqual(self.room.refused["a1"].retry_after, 11)
        self.check_idle()

    def test_rest_that_begins_meanwhile(self) -> None:
        """So it is to those that wait already when a long rest begins."""
        self.room.ask("a1")
        self.room.ask("a2")
        self.room.pool.fail(self.room.leases["a1"], *ruled(Cause.MINUTE_QUOTA, retry_after=60.0), 0.0)
        self.room.finish("a1")
        self.assertEqual(self.room.refused["a2"].retry_after, 60)
        self.check_idle()

    def test_full_room(self) -> None:
        """When as many wait as may, the next is refused at once."""
        self.room = self.make(account("a", max_concurrency=1), queue_size=2)
        for name in ("a1", "a2", "a3", "a4"):
            self.room.ask(name)
        self.assertEqual((self.room.served, list(self.room.refused)), (["a1"], ["a4"]))

    def test_no_room(self) -> None:
        """A queue of no length, or of no time, keeps nobody."""
        for scheduling in (Scheduling(queue_size=0), Scheduling(queue_seconds=0.0)):
            self.room = Room(Pool.of([account("a", max_concurrency=1)], scheduling))
            self.room.ask("a1")
            self.room.ask("a2")
            self.assertEqual(list(self.room.refused), ["a2"])
            self.check_idle()

    def test_nobody_is_there(self) -> None:
        """Where nobody ever comes back nobody waits."""
        self.room = self.make()
        self.room.ask("a1")
        self.assertEqual(list(self.room.refused), ["a1"])

    def test_leaving(self) -> None:
        """G20: who leaves while waiting takes no account."""
        for name in ("a1", "a2", "a3"):
            self.room.ask(name)
        self.room.asked["a2"].cancel()
        self.room.finish("a1")
        self.assertEqual(self.room.served, ["a1", "a3"])
        self.room.finish("a3")
        self.check_idle()

    def test_operator_frees(self) -> None:
        """A reset by the operator serves those that wait."""
        first = self.room.pool.accounts[0]
        self.room.pool.punish(first, "m", *ruled(Cause.MINUTE_QUOTA, retry_after=9.0), 0.0)
        self.room.ask("a1")
        self.room.pool.reset(first.id)
        self.assertEqual(self.room.served, ["a1"])


class PatienceTests(WaitingTestCase):
    """cache_first."""

    def setUp(self) -> None:
        """A conversation with the first of two accounts, which rests for 30 seconds."""
        self.room = self.make(account("a"), account("b"), mode=Mode.CACHE_FIRST, max_wait=60.0)
        self.room.ask("a1", session="s")
        self.room.pool.punish(self.room.pool.accounts[0], "m", *ruled(Cause.MINUTE_QUOTA, retry_after=30.0), 0.0)

    def test_waits_for_its_account(self) -> None:
        """It waits for longer than the queue allows, and others do not wait behind it."""
        self.room.ask("a2", session="s", patient_until=60.0)
        self.room.ask("a3", session="t", patient_until=60.0)
        self.assertEqual(self.room.served, ["a1", "a3"])
        self.room.clock.advance(30)
        self.assertEqual(self.room.served, ["a1", "a3", "a2"])
        self.assertEqual(self.room.leases["a2"].account.email[0], "a")

    def test_patience_is_over(self) -> None:
        """When its account's rest is made longer than its patience it goes to another."""
        self.room.ask("a2", session="s", patient_until=40.0)
        self.room.pool.punish(self.room.pool.accounts[0], "m", *ruled(Cause.MINUTE_QUOTA, retry_after=90.0), 0.0)
        self.room.clock.advance(40)
        self.assertEqual(self.room.leases["a2"].account.email[0], "b")
