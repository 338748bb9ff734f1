"""Asking the provider single questions: whole requests and whole answers, one after the other."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from attrs import define
from hyperlink import EncodedURL
from twisted.internet.defer import Deferred

from agd.accounts.account import Account
from agd.encoding import InvalidJSON, decode, encode
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.dialects import DIALECTS
from agd.gemini.failures import failure_within
from agd.upstream.bodies import collect
from agd.upstream.client import UpstreamClient

MAX_ANSWER_BYTES = 4_194_304
SECONDS = 60.0
"""How long one answer may take."""

T = TypeVar("T")


@define(eq=False)
class Inspector(UpstreamClient):
    """An upstream client for questions that are no client's: what comes back is the provider's JSON as it is."""

    async def ask(self, account: Account, model: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a ``generateContent`` request and return its answer. Raises ``UpstreamFailure``."""
        return await self._timely(self._ask(account, model, encode(body)))

    async def output_limit(self, account: Account, model: str) -> int | None:
        """Return the model's ``outputTokenLimit`` (``models.get``), None if not told. Raises ``UpstreamFailure``.

        Only the Gemini API tells it.
        """
        if account.kind != "gemini":
            return None
        url = DIALECTS[account.kind].url(account, model, "countTokens").rpartition(":")[0]
        entry = await self._timely(self._exchange("GET", account, url, None))
        limit = entry.get("outputTokenLimit")
        return limit if isinstance(limit, int) else None

    async def _ask(self, account: Account, model: str, body: bytes) -> dict[str, Any]:
        account = await self._placed(account)
        dialect = DIALECTS[account.kind]
        url = dialect.url(account, model, "generateContent")
        answer = await self._exchange("POST", account, url, dialect.body(account, model, body))
        inner = answer.get("response")
        return inner if isinstance(inner, dict) else answer

    async def _exchange(self, method: str, account: Account, address: str, body: bytes | None) -> dict[str, Any]:
        url = EncodedURL.from_text(address)
        try:
            response = await self._send(method, url, account, body)
        except UpstreamFailure as lost:
            if not lost.stale:
                raise
            response = await self._send(method, url, account, body)  # the kept connection had died between questions
        try:
            document = decode(await collect(response, MAX_ANSWER_BYTES))
        except InvalidJSON as error:
            raise UpstreamFailure(FailureKind.MALFORMED, f"the answer is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise UpstreamFailure(FailureKind.MALFORMED, "the answer is not a JSON object")
        failure = failure_within(document)
        if failure is not None:
            raise failure
        return document

    async def _timely(self, exchange: Coroutine[Deferred[Any], Any, T]) -> T:
        return await self._within(SECONDS, f"no answer within {SECONDS:g} seconds", exchange)
