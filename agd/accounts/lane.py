"""The accounts of one upstream that may serve one model, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from attrs import define, field

from agd.accounts.holds import Hold
from agd.accounts.ranks import Ranks
from agd.accounts.standing import Obstacle, Standing

Rank = tuple[float, ...]


@define(eq=False, repr=False)
class Lane:
    """Whoever can be asked stands in ``ready`` by rank, whoever may only be tried in ``doubtful``.

    Whoever rests stands in ``resting``, by when it is worth a look.
    Nobody is told when something befalls an account: it is found out when the account comes up, and it is then put
    where it belongs. Only what frees an account has to be told, by ``touch``. So a choice costs O(log n), amortised
    over the turns and rests of the accounts.
    """

    model: str
    upstream: str
    _rank: Callable[[Standing], Rank]
    _members: frozenset[Standing]
    _ready: Ranks[Rank, Standing]
    _doubtful: Ranks[Rank, Standing] = field(factory=Ranks)
    """Those that something is held against, which one request at a time may disprove."""
    _resting: Ranks[float, Standing] = field(factory=Ranks)
    _ends: Ranks[float, Standing] = field(factory=Ranks)
    """Those that rest, by when their rest is over: later than they wake where a trial may come before."""
    _crowded: dict[Standing, None] = field(factory=dict)
    """Those that wait for a running request of theirs."""

    @classmethod
    def of(cls, model: str, upstream: str, rank: Callable[[Standing], Rank], members: Iterable[Standing]) -> Lane:
        """Make a lane; nothing is known yet of who rests."""
        serving = frozenset(members)
        return cls(model, upstream, rank, serving, Ranks.of((rank(standing), standing) for standing in serving))

    def first(self, now: float, tried: Collection[str] = (), *, trials: bool = True) -> tuple[Rank, Standing] | None:
        """Return who is asked next; ``trials``: also whoever may only be tried by one request."""
        self._wake(now)
        sure = self._first_of(self._ready, now, tried)
        if not trials or not self._doubtful:
            return sure
        doubtful = self._first_of(self._doubtful, now, tried)
        sure = self._first_of(self._ready, now, tried)  # whoever came up there and is beyond doubt is ready now
        return min((found for found in (sure, doubtful) if found is not None), key=rank_of, default=None)

    def touch(self, standing: Standing, *, moved: bool = False) -> None:
        """Note that an account may be free again, or that its rank has become lower (``moved``)."""
        if standing in self._members and (moved or standing not in self._ready):
            self._forget(standing)
            self._ready.put(standing, self._rank(standing))

    @property
    def wakes(self) -> float | None:
        """When the first of those that rest is worth a look."""
        first = self._resting.first()
        return None if first is None else first[0]

    @property
    def ends(self) -> tuple[float, Standing] | None:
        """When the first rest is over, and whose."""
        return self._ends.first()

    def is_crowded(self, tried: Collection[str] = ()) -> bool:
        """Tell whether somebody would be free if only one of its running requests ended."""
        return any(standing.account.id not in tried for standing in self._crowded)

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._members)

    def _wake(self, now: float) -> None:
        while (first := self._resting.first()) is not None and first[0] <= now:
            standing = first[1]
            self._forget(standing)
            self._ready.put(standing, self._rank(standing))

    def _first_of(
        self, line: Ranks[Rank, Standing], now: float, tried: Collection[str]
    ) -> tuple[Rank, Standing] | None:
        """Return the first of a line that this request has not tried."""
        aside: list[Standing] = []
        while (found := self._next(line, now)) is not None and found[1].account.id in tried:
            line.discard(found[1])
            aside.append(found[1])
        for standing in aside:
            line.put(standing, self._rank(standing))
        return found

    def _next(self, line: Ranks[Rank, Standing], now: float) -> tuple[Rank, Standing] | None:
        """Return the first of a line, with the places of all before it put right."""
        while (first := line.first()) is not None:
            known, standing = first
            rank = self._rank(standing)
            obstacle = standing.obstacle(self.model, now)
            doubts = () if obstacle is not None else tuple(standing.against(self.model, now))
            if obstacle is not None:
                line.discard(standing)
                self._put_away(standing, obstacle)
            elif doubts and line is self._ready:
                line.discard(standing)
                self._doubt(standing, rank, doubts)
            elif not doubts and line is self._doubtful:
                self._forget(standing)
                self._ready.put(standing, rank)
            elif rank != known:
                line.put(standing, rank)
            else:
                return first
        return None

    def _doubt(self, standing: Standing, rank: Rank, doubts: Collection[Hold]) -> None:
        """Put one who may only be tried where it belongs; doubts that end by themselves are looked at again then."""
        self._doubtful.put(standing, rank)
        if not any(hold.blocks for hold in doubts):
            self._resting.put(standing, max(hold.until for hold in doubts))

    def _put_away(self, standing: Standing, obstacle: Obstacle) -> None:
        if obstacle.is_brief:
            self._crowded[standing] = None
        if obstacle.wakes is not None:
            self._resting.put(standing, obstacle.wakes)
        if obstacle.ends is not None:
            self._ends.put(standing, obstacle.ends)

    def _forget(self, standing: Standing) -> None:
        self._doubtful.discard(standing)
        self._resting.discard(standing)
        self._ends.discard(standing)
        self._crowded.pop(standing, None)


def rank_of(found: tuple[Rank, Standing]) -> Rank:
    """Return the rank of one who was found."""
    return found[0]
