"""The pool against anything that can befall it, in any order."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account
from agd.accounts.holds import PROBE_AFTER
from agd.accounts.lease import Lease
from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.search import Exhausted, Search
from agd.accounts.standing import Pause, Standing
from agd.errors import Cause
from tests.accounts.pools import account, ruled

ACCOUNTS = (
    account("a"),
    account("b", max_concurrency=2),
    account("c", limits=(("m", 1),)),
    account("d", project="p", priority=1),
    account("e", project="p", weight=3),
    account("f", "https://other.example", priority=-1),
    account("g", models=("n*",)),
)
MODELS = st.sampled_from(["m", "n"])
SESSIONS = st.sampled_from([None, "s", "t"])
NUMBERS = st.integers(0, 10**6)


def purse_of(owner: Account) -> str:
    """Return whose quotas an account uses."""
    return owner.project or owner.id


def comparable(told: Any) -> Any:
    """Leave out how often accounts were asked, which is put down with the next change, and what floats lose."""
    if isinstance(told, dict):
        return {key: comparable(value) for key, value in told.items() if key != "asked"}
    if isinstance(told, (list, tuple)):
        return [comparable(each) for each in told]
    return round(told, 3) if isinstance(told, float) else told


class PoolMachine(RuleBasedStateMachine):
    """A pool, the leases that run, and what everybody was told of rests, kept in the plainest way."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool.of(ACCOUNTS)
        self.now = 0.0
        self.running: list[Lease] = []
        self.rests: dict[tuple[str, str], tuple[float, float]] = {}
        """By purse and model: when the rest was laid on, and until when it is."""
        self.accounts_kept: dict[str, Any] = {}
        self.purses_kept: dict[tuple[str, str], Any] = {}

    # ------------------------------------------------------------------ what happens

    @rule(seconds=st.sampled_from([0.1, 1.0, 7.0, 60.0, 1000.0, 10_000.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule(model=MODELS, times=st.integers(1, 8))
    def ask_often(self, model: str, times: int) -> None:
        """Several requests ask one after another."""
        for _ in range(times):
            self.ask(model, None, set(), trials=True)

    @rule(model=MODELS, session=SESSIONS, tried=st.sets(st.sampled_from(ACCOUNTS), max_size=2), trials=st.booleans())
    def ask_once(self, model: str, session: str | None, tried: set[Account], trials: bool) -> None:
        """One request asks."""
        self.ask(model, session, tried, trials=trials)

    def ask(self, model: str, session: str | None, tried: set[Account], *, trials: bool) -> None:
        """A request asks for an account."""
        ids = {each.id for each in tried}
        free = [each for each in self.pool.roster if each.account.id not in ids and self.is_free(each, model)]
        before = None if session is None else self.pool.sessions.find(session, model)
        staying = self.pool.roster.get(before) if before else None
        bound = staying is not None and staying.account.id not in ids and not self.is_out(staying, model)
        try:
            lease = self.pool.lease(model, self.now, ids, session=session, trials=trials)
        except Exhausted as exhausted:
            assert not free, "somebody was free"
            self.check_wakes(model, exhausted, ids)
            return
        assert lease.standing in free, "the chosen account could not be asked"
        self.check_rest(lease)
        self.check_priority(lease, free, stays=lease.account.id == before)
        if not trials and lease.account.id != before:
            sound = [each for each in free if not any(each.against(model, self.now))]
            assert lease.standing in sound or not sound, "a trial, while somebody beyond doubt was free"
        if session is not None and self.pool.scheduling.sticks and bound:
            assert self.pool.sessions.find(session, model) == before, "a conversation moved without a cause"
        self.running.append(lease)

    @precondition(lambda self: self.running)
    @rule(number=NUMBERS)
    def succeed(self, number: int) -> None:
        """A request is served."""
        lease = self.running.pop(number % len(self.running))
        key = purse_of(lease.account), lease.model
        if key in self.rests and self.was_trial(lease):
            del self.rests[key]
        self.pool.succeed(lease, self.now)
        lease.release()

    @precondition(lambda self: self.running)
    @rule(number=NUMBERS, seconds=st.sampled_from([2.0, 30.0, 900.0, 5000.0, 90_000.0]))
    def meet_quota(self, number: int, seconds: float) -> None:
        """A request meets a quota, with a told delay."""
        lease = self.running.pop(number % len(self.running))
        key, until = (purse_of(lease.account), lease.model), self.now + seconds
        known = self.rests.get(key)
        if self.knows(lease.account) and (known is None or known[1] < until or self.was_trial(lease)):
            self.rests[key] = self.now, until
        self.pool.fail(lease, *ruled(Cause.MINUTE_QUOTA, retry_after=seconds), self.now)
        lease.release()

    @precondition(lambda self: self.running)
    @rule(number=NUMBERS, cause=st.sampled_from([cause for cause in Cause if "quota" not in cause.value]))
    def fail(self, number: int, cause: Cause) -> None:
        """A request fails for another cause."""
        lease = self.running.pop(number % len(self.running))
        self.pool.fail(lease, *ruled(cause, code=400), self.now)
        lease.release()

    @precondition(lambda self: self.running)
    @rule(number=NUMBERS, times=st.integers(1, 3))
    def leave(self, number: int, times: int) -> None:
        """A client leaves; its lease is given back, however often."""
        lease = self.running.pop(number % len(self.running))
        for _ in range(times):
            lease.release()

    @rule(chosen=st.sampled_from(ACCOUNTS), pause=st.sampled_from([None, *Pause]))
    def decree(self, chosen: Account, pause: Pause | None) -> None:
        """The operator pauses or enables an account."""
        if pause is None:
            self.pool.enable(chosen.id)
        else:
            self.pool.pause(chosen.id, pause)

    @rule(chosen=st.sampled_from(ACCOUNTS))
    def reset(self, chosen: Account) -> None:
        """The operator forgets what is held against an account."""
        if self.pool.reset(chosen.id):
            for model in ("m", "n"):
                self.rests.pop((purse_of(chosen), model), None)

    @rule(kept=st.sets(st.sampled_from(ACCOUNTS), min_size=3))
    def reload(self, kept: set[Account]) -> None:
        """The configuration is read again, and some accounts are not in it."""
        self.pool.replace([each for each in ACCOUNTS if each in kept])
        purses = {purse_of(each) for each in kept}
        self.rests = {key: rest for key, rest in self.rests.items() if key[0] in purses}

    @rule(mode=st.sampled_from(Mode))
    def change_mode(self, mode: Mode) -> None:
        """The operator chooses otherwise from now on."""
        self.pool.configure(Scheduling(mode))

    @rule()
    def keep(self) -> None:
        """What has changed is put down; with what was put down before, that is everything."""
        changed = self.pool.unkept.take()
        kept = self.pool.snapshot(self.now, self.now, changed)
        if changed is None:
            self.accounts_kept, self.purses_kept = {}, {}
        self.accounts_kept |= kept["accounts"]
        self.purses_kept |= {(each["upstream"], each["name"]): each for each in kept["purses"]}
        whole = self.pool.snapshot(self.now, self.now)
        held = {key: each for key, each in self.purses_kept.items() if each["holds"] or each["quotas"]}
        purses = {(each["upstream"], each["name"]): each for each in whole["purses"]}
        assert comparable(held) == comparable(purses), "a change of a purse was not noted"
        assert comparable(self.accounts_kept) == comparable(whole["accounts"]), "a change was not noted"

    @rule(restart=st.booleans())
    def restart(self, restart: bool) -> None:
        """The daemon restarts: what ran is gone, what is known goes on."""
        if restart:
            kept, accounts = self.pool.snapshot(self.now, self.now), self.pool.accounts
            self.pool = Pool.of(accounts, self.pool.scheduling)
            self.pool.restore(kept, self.now, self.now)
            self.running.clear()

    # ------------------------------------------------------------------ what is always true

    @invariant()
    def counts_are_right(self) -> None:
        """What accounts carry is what runs, and never more than they may."""
        carried = Counter(lease.standing for lease in self.running)
        for standing in self.pool.roster:
            assert standing.running == carried[standing] == sum(standing.running_for.values())
            limit = standing.account.terms.max_concurrency
            assert limit is None or standing.running <= limit
            assert standing.account.terms.limit("m") is None or standing.running_for["m"] <= 1

    @invariant()
    def trials_are_running(self) -> None:
        """What is on trial is tried by a request that runs."""
        tried = {id(trial) for lease in self.running for trial in lease.trials}
        for standing in self.pool.roster:
            for holds in (standing.holds, standing.purse.holds):
                assert all(id(hold) in tried for hold in holds.by_key.values() if hold.on_trial)

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """Whoever can be asked stands in one of the lines, or rests until a moment that is past."""
        for lanes in self.pool.roster._lanes.values():
            for lane in lanes:
                waking = {each for rank, _, each in lane._resting._heap if rank <= self.now}
                for standing in lane:
                    free = standing.obstacle(lane.model, self.now) is None
                    assert not free or standing in lane._ready or standing in lane._doubtful or standing in waking

    # ------------------------------------------------------------------ how it is checked

    def search(self, model: str) -> Search:
        """Look at the pool without its lanes."""
        return Search(self.pool.roster, self.pool.upstreams, self.pool.sessions, self.pool.scheduling, model, self.now)

    def is_free(self, standing: Standing, model: str) -> bool:
        """Tell whether an account can be asked, found out the plain way."""
        return standing.account.terms.serves(model) and self.search(model).obstacle(standing) is None

    def is_out(self, standing: Standing, model: str) -> bool:
        """Tell whether an account cannot be asked for more than a moment."""
        obstacle = self.search(model).obstacle(standing)
        return not standing.account.terms.serves(model) or (obstacle is not None and not obstacle.is_brief)

    def knows(self, owner: Account) -> bool:
        """Tell whether an account is still in the pool, as the one that was leased."""
        return self.pool.roster.get(owner.id) is not None

    def was_trial(self, lease: Lease) -> bool:
        """Tell whether a lease was let through in spite of the rest that is known."""
        holds = lease.standing.purse.holds.by_key.values()
        return any(hold in lease.trials for hold in holds if not hold.blocks and hold.model == lease.model)

    def check_rest(self, lease: Lease) -> None:
        """Nobody is asked while it rests but for trial, after a quarter of an hour, and by one request at a time."""
        laid, until = self.rests.get((purse_of(lease.account), lease.model), (0.0, 0.0))
        if self.now < until:
            assert self.was_trial(lease), "a resting account was asked"
            assert self.now >= laid + PROBE_AFTER, "a trial came too early"
            assert not any(set(lease.trials) & set(other.trials) for other in self.running), "a second trial"

    def check_priority(self, lease: Lease, free: list[Standing], *, stays: bool) -> None:
        """Nobody is asked while somebody of a higher priority could be."""
        best = max(each.account.terms.priority for each in free)
        sound = [each for each in free if not any(each.against(lease.model, self.now))]
        highest = max((each.account.terms.priority for each in sound), default=best)
        assert stays or lease.account.terms.priority >= min(best, highest)

    def check_wakes(self, model: str, exhausted: Exhausted, tried: set[str]) -> None:
        """When to look again is told as it is."""
        serving = [each for each in self.pool.roster if each.account.terms.serves(model)]
        of_use = {each.account.base_url for each in serving if each.account.id not in tried}
        serving = [each for each in serving if each.account.base_url in of_use]
        found = [self.search(model).obstacle(each) for each in serving]
        wakes = [obstacle.wakes for obstacle in found if obstacle is not None and obstacle.wakes is not None]
        if wakes:
            assert exhausted.wakes is not None, "somebody comes back and nobody says when"
            assert exhausted.wakes <= min(wakes) - self.now + 1e-6, "it is told too late"
        crowded = [each for each, obstacle in zip(serving, found, strict=True) if obstacle and obstacle.is_brief]
        if any(each.account.id not in tried for each in crowded):
            assert exhausted.is_busy, "a running request could change things and nobody says so"


class MachineTests(SynchronousTestCase):
    """For any sequence of outcomes."""

    def test_G37_K12_any_sequence(self) -> None:
        """No resting account is asked but for trial, no lease leaks, no limit is passed, no conversation moves idly."""
        run_state_machine_as_test(
            PoolMachine, settings=settings(max_examples=100, stateful_step_count=50, deadline=None)
        )
