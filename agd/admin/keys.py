"""Client keys: made, listed, revoked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from agd.admin.routes import Question, Route, not_on_disk
from agd.clientele import Clientele
from agd.clientele.terms import read_allowance
from agd.errors import StoreError


@frozen
class Keys:
    """``asks`` tells whether clients need a key at all, ``lasting`` whether keys are there after a restart."""

    clientele: Clientele
    asks: Callable[[], bool]
    lasting: Callable[[], bool]

    def routes(self) -> Iterable[Route]:
        """``GET /keys``, ``POST /keys/create``, ``POST /keys/revoke``."""
        yield Route("GET", "/keys", lambda _: {"keys": list(self.clientele.listing())})
        yield Route("POST", "/keys/create", self.create)
        yield Route("POST", "/keys/revoke", self.revoke)

    async def create(self, question: Question) -> Mapping[str, Any]:
        """Make a key: this answer is the only place where it is ever shown."""
        name, allowance = question.text("name"), read_allowance(question.body)
        try:
            key, made = await self.clientele.create(name, allowance)
        except StoreError as error:
            raise not_on_disk("the key", error) from None
        return {"key": key, **self.clientele.told(made), "warnings": list(self._warnings())}

    async def revoke(self, question: Question) -> Mapping[str, Any]:
        """Let a key open nothing any more."""
        name = question.text("name")
        try:
            return self.clientele.told(await self.clientele.revoke(name))
        except StoreError as error:
            raise not_on_disk("the key", error) from None

    def _warnings(self) -> Iterable[str]:
        if not self.asks():
            yield "clients need no key here, so no limit holds: set proxy.auth_mode (docs/operations.md)"
        if not self.lasting():
            yield "the store is off, so the key ends with the daemon"
