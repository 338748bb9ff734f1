"""Tokens of Google's Application Default Credentials, found and got by Google's own library in a thread.

The library finds what is there (``GOOGLE_APPLICATION_CREDENTIALS``, the file of gcloud, workload identities, the
metadata server); its requests are made by agd, so they go by the account's own way out. Only the metadata server is
asked straight: it is this machine's own. Imported only where an account says ``credentials = "default"``.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, Mapping
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import google.auth
from attrs import define, field, frozen
from google.auth import exceptions
from google.auth.transport import Request, Response
from hyperlink import EncodedURL
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from agd.accounts.account import Account
from agd.accounts.credentials import SCOPE, Token
from agd.accounts.way import STRAIGHT, WayOut
from agd.errors import FailureKind, UpstreamFailure
from agd.transport.ways import Ways
from agd.upstream.bodies import collect
from agd.upstream.grants import DEAD, MAX_BYTES, USUAL_LIFETIME, dead
from agd.upstream.mishaps import NETWORK_ERRORS

SECONDS = 15.0
"""How long one request of the library may take."""

_METADATA = frozenset({"metadata.google.internal", "metadata"})


async def fetch_default(account: Account, ways: Ways, reactor: Any) -> Token:
    """Get a token of what the library finds. Raises ``UpstreamFailure``. Cancelling frees the thread at once."""
    asked = reactor.seconds()
    requests = _Requests(ways, account.way, reactor)
    found: Deferred[_Found] = deferToThreadPool(reactor, reactor.getThreadPool(), _find, requests)
    try:
        result = await found
    except CancelledError:
        requests.give_up()
        raise
    except exceptions.DefaultCredentialsError:
        words = "Google's library finds no credentials: set GOOGLE_APPLICATION_CREDENTIALS or run gcloud auth"
        raise dead("no_default_credentials", words) from None
    except exceptions.GoogleAuthError as error:
        raise told(error) from None
    return Token(result.secret, asked, result.lifetime, result.quota_project)


@frozen
class _Found:
    secret: str = field(repr=False)
    lifetime: float
    quota_project: str


def _find(requests: _Requests) -> _Found:
    """Find credentials and get a token; in a thread."""
    credentials: Any = google.auth.default(scopes=[SCOPE], request=requests)[0]
    credentials.refresh(requests)
    expiry: datetime | None = credentials.expiry  # in UTC, without saying so
    left = (expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() if expiry is not None else USUAL_LIFETIME
    return _Found(credentials.token, max(left, 1.0), getattr(credentials, "quota_project_id", None) or "")


def told(error: exceptions.GoogleAuthError) -> UpstreamFailure:
    """Tell the library's error; of its words only the OAuth code, for they can quote what was sent.

    It calls a metadata server that does not answer a refusal as well, and says that no repetition helps.
    """
    if isinstance(error, exceptions.RefreshError) and not error.retryable:
        code = str(error.args[0]).partition(":")[0] if error.args else ""
        if code in DEAD:
            return dead(code, f"Google's library was refused a token: {code}")
    return UpstreamFailure(FailureKind.CONNECT, f"Google's library got no token: {type(error).__name__}")


@frozen
class _Answer(Response):
    """An answer as the library wants it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


@define(eq=False)
class _Requests(Request):
    """Makes the library's requests: called in a thread, carried out by the reactor."""

    _ways: Ways
    _way: WayOut
    _reactor: Any
    _pending: dict[Future[_Answer], Deferred[Any]] = field(factory=dict)
    _is_over: bool = False

    def give_up(self) -> None:
        """Nobody wants the answers any more."""
        self._is_over = True
        for future, asked in list(self._pending.items()):
            future.cancel()
            asked.cancel()

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        """Make a request and wait for its answer. Raises the library's ``TransportError``."""
        if self._is_over:  # a reactor that stops waits for this thread and serves it no more
            raise _no_answer()
        future: Future[_Answer] = Future()
        seconds = min(timeout or SECONDS, SECONDS)
        self._reactor.callFromThread(self._begin, future, self._ask(url, method, body, headers or {}), seconds)
        try:
            return future.result(seconds + 1.0)
        except (FutureTimeout, FutureCancelled, *NETWORK_ERRORS):
            raise _no_answer() from None

    def _begin(self, future: Future[_Answer], asking: Coroutine[Any, Any, _Answer], seconds: float) -> None:
        if self._is_over:
            asking.close()
            future.cancel()
            return
        asked: Deferred[Any] = Deferred.fromCoroutine(asking)
        self._pending[future] = asked
        asked.addTimeout(seconds, self._reactor)
        asked.addBoth(self._finish, future)

    def _finish(self, result: _Answer | Failure, future: Future[_Answer]) -> None:
        """Give the thread what came of it."""
        del self._pending[future]
        if future.cancelled():
            return
        if isinstance(result, Failure):
            future.set_exception(FutureTimeout())
        else:
            future.set_result(result)

    async def _ask(self, url: str, method: str, body: Any, headers: Mapping[str, str]) -> _Answer:
        way = self._ways.of(STRAIGHT if _is_metadata(url) else self._way)
        data = body.encode() if isinstance(body, str) else body
        sent = Headers({name: [value] for name, value in headers.items()})
        response = await way.http.request(
            method, EncodedURL.from_text(url), headers=sent, data=data, unbuffered=True, allow_redirects=False,
            reactor=self._reactor,
        )  # fmt: skip
        told = {name.decode().lower(): values[0].decode() for name, values in response.headers.getAllRawHeaders()}
        return _Answer(response.code, told, await collect(response, MAX_BYTES))


def _no_answer() -> Exception:
    error: Any = exceptions.TransportError  # not typed, unlike the rest
    made: Exception = error("no answer")
    return made


def _is_metadata(url: str) -> bool:
    """Tell whether a URL is the metadata server's, which is this machine's own."""
    host = urlsplit(url).hostname or ""
    if host in _METADATA or host == os.environ.get("GCE_METADATA_HOST", "").partition(":")[0]:
        return True
    try:
        return ip_address(host).is_link_local
    except ValueError:
        return False
