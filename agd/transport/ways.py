"""Every way out has connections of its own, so no account's request ever goes by another's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults

from agd.accounts.way import WayOut
from agd.transport.agent import Body, Pool, make_agent

if TYPE_CHECKING:
    from treq.client import HTTPClient

CONNECT_SECONDS = 10.0
"""How long a connection may take while nobody has said otherwise."""


@define(eq=False)
class Way:
    """A client for one way out, and the connections that it keeps."""

    http: HTTPClient
    pool: Pool


@define(eq=False)
class Ways:
    """The ways out, each made when it is first taken."""

    _reactor: Any
    _ways: dict[WayOut, Way] = field(factory=dict, init=False)
    _retired: set[Deferred[None]] = field(factory=set, init=False)

    def of(self, out: WayOut) -> Way:
        """Give the client for a way out. Raises ``ValueError`` for certificates that cannot be read."""
        way = self._ways.get(out)
        if way is None:
            from treq.client import HTTPClient  # noqa: PLC0415 - with the first account: idle memory is counted

            pool = Pool(self._reactor, CONNECT_SECONDS)
            http = HTTPClient(make_agent(self._reactor, pool, out), data_to_body_producer=Body)
            way = self._ways[out] = Way(http, pool)
        return way

    def keep_only(self, outs: Iterable[WayOut]) -> None:
        """Forget the ways that no account takes any more, and close what they keep; running answers go on."""
        kept = set(outs)
        for out in [out for out in self._ways if out not in kept]:
            self._retire(self._ways.pop(out).pool)

    def _retire(self, pool: Pool) -> None:
        retired = pool.retire()
        self._retired.add(retired)
        retired.addBoth(lambda _: self._retired.discard(retired))

    def close(self) -> Deferred[Any]:
        """Close every connection that is kept; fires when they are closed."""
        closing = [way.pool.closeCachedConnections() for way in self._ways.values()]
        return gatherResults([*closing, *(_after(retired) for retired in self._retired)])


def _after(retired: Deferred[None]) -> Deferred[None]:
    """Fire when something has ended, without taking its result away from anybody."""
    ended: Deferred[None] = Deferred()
    retired.addBoth(lambda _: ended.callback(None))
    return ended
