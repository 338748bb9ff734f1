"""Which account is asked next, and which ones rest.

The pool is plain state: it has no clock and does no I/O. ``now`` is seconds of any monotonic clock, the same for all
calls. Rests and blocks are kept by account and model, because quotas are; accounts of one project share their rests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, evolve, field

from agd.accounts.account import Account
from agd.accounts.breaker import Breaker
from agd.accounts.holds import ANY, Hold
from agd.accounts.lease import Lease
from agd.accounts.roster import Roster
from agd.accounts.scheduling import DEFAULT, Mode, Scheduling
from agd.accounts.search import Search
from agd.accounts.standing import Pause, QuotaSeen, Standing
from agd.accounts.sticky import Assignments
from agd.accounts.unkept import Unkept
from agd.accounts.upstreams import Upstreams
from agd.accounts.verdict import Blame, Scope, Verdict
from agd.errors import Cause, UpstreamFailure

if TYPE_CHECKING:
    from agd.accounts.explanation import Explanation
    from agd.accounts.overview import AccountView

V = TypeVar("V")

LEAD = 10.0
"""Turns by which an account may be ahead of its share because conversations stay with it; more is forgiven."""
MOST_MODELS = 1000
"""Models of which a project's last lease and quota are remembered."""


@define(eq=False, repr=False)
class Pool:
    """The accounts and their standings.

    ``on_freed`` is called whenever an account may have become free; ``unkept`` tells what is to be put down for the
    next start (see ``accounts.state``).
    """

    scheduling: Scheduling = DEFAULT
    upstreams: Upstreams = field(factory=Upstreams)
    roster: Roster = field(factory=Roster)
    sessions: Assignments = field(factory=Assignments)
    on_freed: Callable[[], None] = lambda: None
    unkept: Unkept = field(factory=Unkept)
    _turn: int = 0
    _virtual: float = 0.0

    @classmethod
    def of(cls, accounts: Iterable[Account], scheduling: Scheduling = DEFAULT) -> Pool:
        """Make a pool in which every account is in good standing."""
        pool = cls()
        pool.configure(scheduling)
        pool.replace(accounts)
        return pool

    # ------------------------------------------------------------------ configuration

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every account, in the order of the configuration."""
        return tuple(standing.account for standing in self.roster)

    def configure(self, scheduling: Scheduling) -> None:
        """Choose in another way from now on; conversations stay where they are."""
        self.scheduling = scheduling
        self.roster.arrange(scheduling.mode)
        self.on_freed()

    def replace(self, accounts: Iterable[Account]) -> None:
        """Take a newly read configuration: what rests still rests, what runs runs on, who was refused may try again."""
        self.roster.replace(accounts)
        self.upstreams.keep_only({standing.account.base_url for standing in self.roster})
        self.unkept.note_everybody()
        self.on_freed()

    def renew(self, account: Account) -> None:
        """Take the same account with a fresh credential; its standing stays."""
        standing = self.roster.get(account.id)
        if standing is not None:
            standing.account = account

    # ------------------------------------------------------------------ leases

    def lease(
        self,
        model: str,
        now: float,
        tried: Collection[str] = (),
        *,
        session: str | None = None,
        patience: float = 0.0,
        trials: bool = True,
    ) -> Lease:
        """Take the account that is next for the model, of those whose id was not tried yet.

        ``session`` is the conversation, which stays with its account where the mode wants that; for a rest that ends
        within ``patience`` seconds it is waited for. ``trials``: also take one that may only be tried, if it is next;
        without it only where there is nobody else. Raises ``Exhausted``.
        """
        search = Search(self.roster, self.upstreams, self.sessions, self.scheduling, model, now, tried)
        standing, why, in_line = search.choose(session, patience, trials=trials)
        if session is not None and self.scheduling.sticks and search.assigns:
            self.sessions.assign(session, model, standing.account.id)
        return self._taken(standing, model, now, why, in_line=in_line)

    def succeed(self, lease: Lease, now: float) -> None:
        """Note that an account serves the model: what was held against it before the lease is over."""
        standing, model = self._present(lease), lease.model
        self.roster.note_served(standing, model)
        own, shared = standing.holds.lift(model, lease.turn), standing.purse.holds.lift(model, lease.turn)
        if own or shared:
            self.roster.touch(standing.purse.members)
        self.upstreams.succeed(lease.account.base_url, model, lease.turn)
        self.unkept.note(standing)
        if own or shared or lease.is_trial:
            self.on_freed()

    def fail(self, lease: Lease, verdict: Verdict, failure: UpstreamFailure, now: float) -> Verdict:
        """Carry out the verdict on what a lease came to; return it with the seconds that were really laid on.

        The lease is to be released all the same.
        """
        _strip(failure)
        standing = self._present(lease)
        standing.tally[verdict.cause.value] += 1
        if verdict.scope is Scope.UPSTREAM:
            of = lease.model if verdict.cause is Cause.OVERLOADED else ANY
            self.upstreams.fail(lease.account.base_url, of, failure, now=now, turn=self._turn, asked=lease.turn)
        seconds = self._punish(standing, lease.model, verdict, failure, now=now, asked=lease.turn)
        return evolve(verdict, seconds=seconds) if seconds else verdict

    def punish(self, account: Account, model: str, verdict: Verdict, failure: UpstreamFailure, now: float) -> None:
        """Carry out a verdict on an account that was asked without a lease; a stranger is nobody's business here."""
        _strip(failure)
        standing = self.roster.get(account.id)
        if standing is not None:
            self._punish(standing, model, verdict, failure, now=now, asked=self._turn + 1)

    def pardon(self, account: Account, failure: UpstreamFailure) -> None:
        """Take back a punishment for a failure that turned out to be the request's own."""
        standing = self.roster.get(account.id)
        if standing is not None:
            own, shared = standing.holds.pardon(failure), standing.purse.holds.pardon(failure)
            if own or shared:
                self.roster.touch(standing.purse.members)
                self._changed(standing)

    def may_repeat(self, upstream: str) -> bool:
        """Ask for a repeat after an upstream's trouble; false: it has enough of them (see ``RetryBudget``)."""
        return self.upstreams.budget(upstream).withdraw()

    # ------------------------------------------------------------------ what the operator decrees

    def pause(self, account_id: str, pause: Pause, why: str = "") -> bool:
        """Take an account out until it is enabled; what runs, runs on. Tell whether there is such an account."""
        return self._decree(account_id, pause, why)

    def enable(self, account_id: str) -> bool:
        """Take back a pause, and the refusal of a credential."""
        return self._decree(account_id, None, "")

    def reset(self, account_id: str, model: str | None = None) -> bool:
        """Forget what is held against an account and its project, for one model or for all."""
        standing = self.roster.get(account_id)
        if standing is None:
            return False
        for holds in (standing.holds, standing.purse.holds):
            holds.clear(model)
        if model is None:
            standing.refused = None
        self.roster.touch(standing.purse.members)
        self._changed(standing)
        return True

    # ------------------------------------------------------------------ over a restart

    def snapshot(self, now: float, wall: float, of: Collection[Standing] | None = None) -> dict[str, Any]:
        """Return what is worth keeping, as JSON has it (see ``accounts.state``); ``wall`` is now in unix seconds.

        ``of``: of these accounts and their projects only.
        """
        from agd.accounts import state  # noqa: PLC0415 - when there is something to keep: idle memory is counted

        clocks = state.Clocks(now, wall)
        return state.snapshot(self.roster, clocks) if of is None else state.excerpt(self.roster, of, clocks)

    def restore(self, kept: Mapping[str, Any], now: float, wall: float) -> None:
        """Take a snapshot up, before anybody is asked. Raises ``ValueError`` and changes nothing where it is none."""
        from agd.accounts import state  # noqa: PLC0415 - see above

        state.restore(self.roster, kept, state.Clocks(now, wall))
        self.roster.arrange(self.scheduling.mode)
        self.on_freed()

    # ------------------------------------------------------------------ questions

    def wait(self, model: str, now: float) -> float | None:
        """Seconds until some account may serve the model, 0 when one may now, None when none ever will."""
        return Search(self.roster, self.upstreams, self.sessions, self.scheduling, model, now).wait()

    def explain(self, model: str, session: str | None, now: float) -> Explanation:
        """Tell who would be asked, and why each other one would not."""
        from agd.accounts.explanation import explain  # noqa: PLC0415 - for operators only: idle memory is counted

        search = Search(self.roster, self.upstreams, self.sessions, self.scheduling, model, now)
        return explain(search, session)

    def overview(self, now: float) -> tuple[AccountView, ...]:
        """Tell how every account is, in the order of the configuration."""
        from agd.accounts.overview import view  # noqa: PLC0415 - for operators only: idle memory is counted

        return tuple(view(standing, now) for standing in self.roster)

    def unready(self) -> str | None:
        """Say why no account can be asked for anything, or None when one can.

        Clients read this, and not all of them may know addresses: accounts are told by their place in the
        configuration.
        """
        if not self.roster:
            return "no account is configured: add [[accounts]] to the configuration or set GEMINI_API_KEY"
        if any(standing.refused is None and standing.pause is None for standing in self.roster):
            return None
        reasons = (f"account {each.place + 1}: {each.refused or each.pause}" for each in self.roster)
        return "no account is usable: " + "; ".join(reasons)

    # ------------------------------------------------------------------ within

    def _present(self, lease: Lease) -> Standing:
        """Return the standing of a lease's account now: it may have left the configuration meanwhile, and come back."""
        return self.roster.get(lease.account.id) or lease.standing

    def _taken(self, standing: Standing, model: str, now: float, why: str, *, in_line: bool) -> Lease:
        """Count a turn. Turns out of line, for a conversation or a pin, make an account later, nobody else sooner."""
        self._turn += 1
        if in_line:
            self._virtual = max(self._virtual, standing.finish)
        step = 1 / standing.account.terms.weight
        finish = max(self._virtual, standing.finish) + step
        standing.finish = max(standing.finish, min(finish, self._virtual + max(LEAD, 1.0) * step))
        standing.last_turn = self._turn
        standing.carry(model)
        idle = now - standing.purse.last_lease.pop(model, float("-inf"))
        _remember(standing.purse.last_lease, model, now)
        trials = self._on_trial(standing, model, now)
        return Lease(standing, model, self._turn, why, idle, trials, self._released)

    def _on_trial(self, standing: Standing, model: str, now: float) -> tuple[Hold | Breaker, ...]:
        url = standing.account.base_url
        shut = [breaker for breaker in self.upstreams.breakers(url, model) if breaker.is_open]
        trials: tuple[Hold | Breaker, ...] = (*standing.against(model, now), *shut)
        for trial in trials:
            trial.begin_trial(now)
        return trials

    def _released(self, lease: Lease) -> None:
        standing = lease.standing
        standing.put_down(lease.model)
        for trial in lease.trials:
            trial.end_trial()
        self.roster.touch((standing,), moved=self.scheduling.mode is Mode.PERFORMANCE_FIRST)
        if lease.trials:
            self.roster.touch(standing.purse.members)
        self.on_freed()

    def _punish(
        self, standing: Standing, model: str, verdict: Verdict, failure: UpstreamFailure, *, now: float, asked: int
    ) -> float:
        """Carry out a verdict; return the seconds of a rest or block that was laid on, 0 where none was."""
        self.unkept.note(standing)
        if verdict.blame is Blame.DISABLE:
            standing.refused = failure
        if verdict.blame not in {Blame.COOL, Blame.BLOCK}:
            return 0.0
        # Quotas, and what befalls a project, are shared by its accounts; permissions and ways are each account's own.
        shared = verdict.scope is Scope.PROJECT or (verdict.blame is Blame.COOL and verdict.scope is Scope.MODEL)
        holds = standing.purse.holds if shared else standing.holds
        of = model if verdict.scope is Scope.MODEL else ANY
        seconds = holds.lay(of, verdict, failure, now=now, turn=self._turn, asked=asked)
        if seconds:
            self.roster.touch(standing.purse.members)  # who rests already may now rest for longer
        if seconds and verdict.cause in {Cause.MINUTE_QUOTA, Cause.DAY_QUOTA}:
            seen = QuotaSeen(verdict.cause.value, failure.quota_ids, now, now + seconds)
            _remember(standing.purse.seen, model, seen)
        return seconds

    def _decree(self, account_id: str, pause: Pause | None, why: str) -> bool:
        standing = self.roster.get(account_id)
        if standing is None:
            return False
        standing.pause, standing.why_paused = pause, why
        if pause is None:
            standing.refused = None
            self.roster.touch((standing,))
        self._changed(standing)
        return True

    def _changed(self, standing: Standing) -> None:
        self.unkept.note(standing)
        self.on_freed()


def _remember(memory: dict[str, V], model: str, value: V) -> None:
    memory.pop(model, None)
    memory[model] = value
    if len(memory) > MOST_MODELS:
        del memory[next(iter(memory))]


def _strip(failure: UpstreamFailure) -> None:
    """Forget where a failure was raised: it is kept for long, and its traceback would keep the request with it."""
    failure.__traceback__ = failure.__context__ = failure.__cause__ = None
