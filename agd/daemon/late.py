"""Parts that are loaded when they are first needed, for idle memory is counted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from attrs import define
from twisted.internet.defer import Deferred, succeed

from agd.accounts.account import Account
from agd.daemon.fitting import mint
from agd.gateway import Gateway
from agd.store.store import Store
from agd.transport.ways import Ways
from agd.upstream.tokens import Fetch
from agd.web.answering import Answering

if TYPE_CHECKING:
    from agd.accounts.credentials import Token
    from agd.upstream.documents import Document
    from agd.upstream.media import Source
    from agd.web.responses import Responses


@define(eq=False)
class Documents:
    """Fetches documents. What that takes is loaded with the first one: most daemons never fetch any."""

    _reactor: Any
    _source: Source | None = None

    async def fetch(self, url: str, declared: str | None, max_bytes: int, seconds: float) -> Document:
        """Fetch a document. Raises ``BadRequest``."""
        from agd.upstream.fetcher import Fetcher  # noqa: PLC0415 - see above

        if self._source is None:
            self._source = Fetcher(self._reactor)
        return await self._source.fetch(url, declared, max_bytes, seconds)


@define(eq=False)
class LateResponses:
    """The Responses API. What that takes is loaded when it is first asked: idle memory is counted."""

    _gateway: Gateway
    _store: Store
    _answering: Answering
    _made: Responses | None = None

    def __call__(self) -> Responses:
        """Return the API's routes."""
        if self._made is None:
            from agd.responses.engine import Engine  # noqa: PLC0415 - see above
            from agd.web.responses import Responses  # noqa: PLC0415

            engine = Engine(self._gateway, self._store.responses, self._store.ring, time.time, mint)
            self._made = Responses(engine, self._answering)
        return self._made

    def finish(self, grace: float, clock: Any) -> Deferred[Any]:
        """See ``Daemon.finish_background``."""
        return succeed(None) if self._made is None else self._made.engine.background.finish(grace, clock)

    def hurry(self) -> None:
        """Let what runs in the background fail."""
        if self._made is not None:
            self._made.engine.background.hurry()


def fetcher(ways: Ways, reactor: Any) -> Fetch:
    """Make what gets tokens. What that takes is loaded with the first account that is proven by one."""

    async def fetch(account: Account) -> Token:
        from agd.upstream.exchange import Exchange  # noqa: PLC0415 - see above

        return await Exchange(ways, reactor, time.time).fetch(account)

    return fetch
