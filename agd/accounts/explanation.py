"""Why this account and not another: the answer as plain data."""

from __future__ import annotations

from attrs import frozen

from agd.accounts.holds import ANY
from agd.accounts.search import WHY, Exhausted, Search
from agd.accounts.standing import Bar, Standing


@frozen
class Considered:
    """One account and what speaks for or against it now.

    ``wait``: seconds until it can be asked, 0: it can be, None: nobody knows, or never by itself. ``hint``: what the
    operator can do, empty: nothing.
    """

    account_id: str
    email: str
    chosen: bool
    why: str
    wait: float | None
    hint: str = ""


@frozen
class Explanation:
    """What the pool would do with a request for ``model`` of conversation ``session``.

    ``considered`` holds every account: first those that can be asked, in the order in which they would be, then the
    others by when they can. ``wait``: seconds until the first can be asked, None: none ever can, as things stand.
    """

    model: str
    session: str | None
    mode: str
    pinned: str | None
    considered: tuple[Considered, ...]
    wait: float | None

    @property
    def chosen(self) -> Considered | None:
        """Who would be asked."""
        return next((each for each in self.considered if each.chosen), None)


def explain(search: Search, session: str | None) -> Explanation:
    """Look at every account; nothing is changed by it."""
    try:
        chosen, why, _ = search.choose(session, search.scheduling.max_wait, trials=True)
    except Exhausted as exhausted:
        chosen, why = None, "it is waited for" if exhausted.is_patient else ""
    assigned = search.assigned(session)
    order = sorted(search.roster, key=search.roster.rank)
    considered = [_considered(search, each, each is chosen, why, assigned) for each in order]
    considered.sort(key=_sooner)
    return Explanation(
        search.model,
        session,
        search.scheduling.mode.value,
        search.scheduling.pin(search.model),
        tuple(considered),
        search.wait(),
    )


def _sooner(considered: Considered) -> tuple[bool, float]:
    return not considered.chosen, float("inf") if considered.wait is None else considered.wait


def _considered(search: Search, standing: Standing, chosen: bool, why: str, assigned: Standing | None) -> Considered:
    wait, words, hint = _found(search, standing)
    if chosen:
        words = why
    elif wait == 0:
        words = f"it can be asked, and comes later: {_later(search, standing)}"
    elif standing is assigned and why:
        words += "; the conversation is there, and " + why
    account = standing.account
    return Considered(account.id, account.email, chosen, words, wait, hint)


def _later(search: Search, standing: Standing) -> str:
    priority = standing.account.terms.priority
    if any(each.account.terms.priority > priority for each in search.roster):
        return f"its priority is {priority}"
    return "another one is before it, as " + WHY[search.scheduling.mode]


def _found(search: Search, standing: Standing) -> tuple[float | None, str, str]:
    """Return how long an account cannot be asked, why, and what can be done about it."""
    terms = standing.account.terms
    if not terms.serves(search.model):
        return None, f"its models are {', '.join(terms.models)}", "add the model to the account's models"
    obstacle = search.obstacle(standing)
    if obstacle is None:
        return 0.0, "", ""
    ends = None if obstacle.ends is None else max(0.0, obstacle.ends - search.now)
    match obstacle.bar:
        case Bar.PAUSED:
            why = f": {standing.why_paused}" if standing.why_paused else ""
            return None, f"it is {standing.pause} by the operator{why}", "enable it"
        case Bar.REFUSED:
            return None, f"its credential was refused: {obstacle.cause}", "put the credential right and reload"
        case Bar.FULL:
            return None, f"it carries as much as it may: {standing.running} requests", "raise its limits"
        case Bar.UPSTREAM:
            return ends, f"its upstream fails: {obstacle.cause}", "see whether the provider can be reached"
        case Bar.TRIAL | Bar.RESTING:
            return ends, *_rest(search, standing)


def _rest(search: Search, standing: Standing) -> tuple[str, str]:
    """Tell every hold that stands against an account, the longest first."""
    holds = sorted(standing.against(search.model, search.now), key=lambda hold: -hold.until)
    told = []
    for hold in holds:
        of = "every model" if hold.model == ANY else hold.model
        seconds = max(0.0, hold.until - search.now)
        end = "a request is trying it now" if hold.on_trial else f"for {seconds:.0f} s more"
        reason = hold.verdict.reason or hold.verdict.cause.value
        told.append(f"it rests for {of} {end}: {reason} ({hold.cause})")
    return "; ".join(told) or "its upstream is on trial", next(
        (each.verdict.hint for each in holds if each.verdict.hint), ""
    )
