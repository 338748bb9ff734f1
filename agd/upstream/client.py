"""The only caller of the provider's endpoints: a request in, a relay with the first event in hand out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from attrs import define, field
from hyperlink import EncodedURL
from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from agd import __version__
from agd.accounts.account import Account
from agd.accounts.credentials import Token
from agd.accounts.redaction import redact_text
from agd.accounts.way import STRAIGHT
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.dialects import CODE_ASSIST, DIALECTS
from agd.gemini.models import bundled_models
from agd.transport.ways import Ways
from agd.upstream.bodies import collect
from agd.upstream.limits import Limits, Patience
from agd.upstream.mishaps import NETWORK_ERRORS, translate
from agd.upstream.tokens import Tokens, is_renewable

if TYPE_CHECKING:
    from agd.gemini.requests import Outgoing
    from agd.upstream.projects import Projects
    from agd.upstream.relay import Relay

MAX_ERROR_BYTES = 65_536
"""How much of an error's body is read; the rest is not worth a byte."""
ERROR_SECONDS = 10.0
"""How long an error's body may take: its status alone is enough to ask another account."""
MAX_LIST_BYTES = 4_194_304
MAX_LIST_PAGES = 20
LIST_SECONDS = 30.0
"""How long a question may take that is no client's."""
MAX_COUNT_BYTES = 65_536
COUNT_SECONDS = 60.0

T = TypeVar("T")

_USUAL = Limits()
_url = lru_cache(maxsize=512)(EncodedURL.from_text)


class Progress(Protocol):
    """Told how far a call has come."""

    def connected(self, seconds: float) -> None:
        """The connection took so long, 0 for one that was kept. Not told where there was none."""

    def answered(self, now: float) -> None:
        """The status has come, good or bad, at this time of the reactor's clock."""


@define(eq=False)
class UpstreamClient:
    """Calls the provider's REST endpoints. ``mint_id`` makes ids for tool calls to which the provider gave none.

    ``gap``, where somebody wants to know, is told the seconds between two reads of an answer.
    """

    _ways: Ways
    tokens: Tokens
    _clock: Any
    _mint_id: Callable[[], str]
    patience: Patience = field(factory=Patience)
    gap: Callable[[float], object] | None = None
    _made_projects: Projects | None = field(default=None, init=False)

    @property
    def _projects(self) -> Projects:
        """Those of Code Assist, loaded with the first account that has one: idle memory is counted."""
        from agd.upstream.projects import Projects  # noqa: PLC0415 - see above

        if self._made_projects is None:
            self._made_projects = Projects(self._load_code_assist)
        return self._made_projects

    def keep_only(self, accounts: Iterable[Account]) -> None:
        """Forget what was known of accounts that a new configuration no longer has."""
        kept = tuple(accounts)
        self.tokens.keep_only(kept)
        if self._made_projects is not None:
            self._made_projects.keep_only(kept)
        self._ways.keep_only(account.way for account in kept)

    async def generate(
        self,
        account: Account,
        model: str,
        outgoing: Outgoing,
        *,
        stream: bool,
        progress: Progress | None = None,
    ) -> Relay:
        """Ask a model; return as soon as the first event of its answer is in hand.

        Raises ``UpstreamFailure``. Cancelling aborts the call in whatever phase it is.
        """
        limits = self.patience.of(model)
        call = Deferred.fromCoroutine(self._generate(account, model, outgoing, limits, progress, stream=stream))
        return await call.addTimeout(min(limits.first_event, limits.total), self._clock, onTimeoutCancel=_no_event)

    async def count(self, account: Account, model: str, outgoing: Outgoing, *, progress: Progress | None = None) -> int:
        """Count the tokens of a request, written for the account's dialect. Raises ``UpstreamFailure``."""
        count = self._count(account, model, outgoing, progress)
        return await self._within(COUNT_SECONDS, "the count of tokens did not come in time", count)

    async def models(self, account: Account) -> list[str]:
        """List the names of the account's models that can generate. Raises ``UpstreamFailure``.

        Where the account's dialect has no list, these are the bundled names, once it is known that it can be asked.
        """
        return await self._within(LIST_SECONDS, "the list of models did not come in time", self._models(account))

    async def _generate(
        self,
        account: Account,
        model: str,
        outgoing: Outgoing,
        limits: Limits,
        progress: Progress | None,
        *,
        stream: bool,
    ) -> Relay:
        # With the first answer: idle memory is counted.
        from agd.gemini.answers import AnswerReader  # noqa: PLC0415
        from agd.upstream.relay import Relay  # noqa: PLC0415

        begun = self._clock.seconds()
        account = await self._placed(account)
        dialect = DIALECTS[account.kind]
        url = _url(dialect.url(account, model, "streamGenerateContent" if stream else "generateContent"))
        body = dialect.body(account, model, outgoing.body)
        response = await self._send("POST", url, account, body, limits, progress=progress)
        relay = Relay(
            AnswerReader(self._mint_id, outgoing.names),
            self._clock,
            idle_seconds=limits.idle,
            stall_seconds=limits.client_stall,
            total_seconds=begun + limits.total - self._clock.seconds(),
            cleanse=partial(self._cleanse, account),
            gap=self.gap,
        )
        _forget(response.headers, response.request.headers)
        response.deliverBody(relay)
        await relay.first
        return relay

    async def _count(self, account: Account, model: str, outgoing: Outgoing, progress: Progress | None) -> int:
        account = await self._placed(account)
        dialect = DIALECTS[account.kind]
        url = _url(dialect.url(account, model, "countTokens"))
        body = dialect.count_body(account, model, outgoing.body)
        response = await self._send("POST", url, account, body, progress=progress)
        from agd.gemini.counting import read_count  # noqa: PLC0415 - few clients ask

        return read_count(await collect(response, MAX_COUNT_BYTES))

    async def _models(self, account: Account) -> list[str]:
        from agd.upstream.listing import read_page  # noqa: PLC0415 - idle memory is counted

        account = await self._placed(account)
        names: list[str] = []
        token = ""
        for _ in range(MAX_LIST_PAGES):
            address = DIALECTS[account.kind].list_url(account, token)
            if address is None:
                return list(bundled_models())
            response = await self._send("GET", EncodedURL.from_text(address), account, None)
            page = read_page(await collect(response, MAX_LIST_BYTES))
            names += page.names
            token = page.token
            if not token:
                break
        return names

    async def _placed(self, account: Account) -> Account:
        """Give the account with the project that its requests name."""
        if account.kind != CODE_ASSIST.name or account.project:
            return account
        return await self._projects.placed(account)

    async def _load_code_assist(self, account: Account) -> bytes:
        async def ask() -> bytes:
            url = EncodedURL.from_text(CODE_ASSIST.project_url(account))
            return await collect(await self._send("POST", url, account, CODE_ASSIST.project_body), MAX_ERROR_BYTES)

        return await self._within(LIST_SECONDS, "the project of the account did not come in time", ask())

    async def _send(
        self,
        method: str,
        url: EncodedURL,
        account: Account,
        body: bytes | None,
        limits: Limits = _USUAL,
        *,
        progress: Progress | None = None,
    ) -> IResponse:
        """Send one request and wait for a good status. Raises ``UpstreamFailure`` for any other."""
        token = await self.tokens.of(account) if is_renewable(account) else None
        way = self._ways.of(account.way)
        way.pool.connect_seconds = limits.connect
        asked: Deferred[Any] = way.http.request(
            method,
            url,
            headers=_headers(account, token, has_body=body is not None),  # kept by nobody: treq sends a copy
            data=body,
            unbuffered=True,
            allow_redirects=False,
            reactor=self._clock,
        )
        link = way.pool.link
        if limits.first_byte < limits.first_event:  # else whoever waits for the event gives up no later
            asked.addTimeout(limits.first_byte, self._clock, onTimeoutCancel=_no_head)
        try:
            response: IResponse = await asked
        except NETWORK_ERRORS as error:
            failure = translate(error, reused=link.reused)
            failure.own = account.way != STRAIGHT and not failure.stale
            if failure.stale:
                # Its neighbours are as old: the repeat must not meet another connection that is closed.
                way.pool.drop_idle()
            raise failure from None
        finally:
            if progress is not None and link.seconds is not None:
                progress.connected(link.seconds)
        if progress is not None:
            progress.answered(self._clock.seconds())
        if response.code != 200:
            raise await self._refusal(response, account, token)
        return response

    async def _refusal(self, response: IResponse, account: Account, token: Token | None) -> UpstreamFailure:
        """Read what an upstream that answers with an error status says about it, and act on a refused token."""
        from agd.gemini.failures import read_failure  # noqa: PLC0415 - with the first failure

        body = collect(response, MAX_ERROR_BYTES)
        body.addTimeout(ERROR_SECONDS, self._clock, onTimeoutCancel=lambda *_: b"")
        retry_after = response.headers.getRawHeaders("Retry-After", [None])[0]
        if response.code == 401 and token is not None:
            self.tokens.refuse(account, token)
        if response.code in {403, 404} and account.kind == CODE_ASSIST.name:
            self._projects.forget(account)
        said = account.redact(await body, token)
        return read_failure(response.code, said, retry_after, _upstream_time(response.headers))

    def _cleanse(self, account: Account, words: str) -> str:
        """Take out of the words of an answer what proves the account."""
        return redact_text(words, (*account.secrets, *self.tokens.shown(account)))

    async def _within(self, seconds: float, words: str, work: Coroutine[Deferred[Any], Any, T]) -> T:
        """Do it within a time. Raises ``UpstreamFailure`` (TIMEOUT) with these words otherwise."""

        def late(*_: object) -> NoReturn:
            raise UpstreamFailure(FailureKind.TIMEOUT, words)

        doing: Deferred[T] = Deferred.fromCoroutine(work)
        return await doing.addTimeout(seconds, self._clock, onTimeoutCancel=late)


def _forget(*headers: Headers) -> None:
    """Keep no headers that nobody reads any more: the answer may stream for long."""
    for each in headers:
        for name, _ in list(each.getAllRawHeaders()):
            each.removeHeader(name)


def _headers(account: Account, token: Token | None, *, has_body: bool) -> Headers:
    headers = Headers({"User-Agent": [f"agd/{__version__}"], "Accept": ["*/*"]})
    if token is not None:
        for name, value in DIALECTS[account.kind].headers(account).items():
            headers.setRawHeaders(name, [value])
    for name, value in account.credential.headers(token):
        headers.setRawHeaders(name, [value])
    if has_body:
        headers.addRawHeader("Content-Type", "application/json")
    return headers


def _no_event(_result: object, seconds: float) -> NoReturn:
    raise UpstreamFailure(FailureKind.TIMEOUT, f"no first event within {seconds:g} seconds")


def _no_head(_result: object, seconds: float) -> NoReturn:
    raise UpstreamFailure(FailureKind.TIMEOUT, f"no head of an answer within {seconds:g} seconds")


def _upstream_time(headers: Headers) -> float | None:
    """Read the upstream's clock, in unix seconds: its time stamps are measured by it, however wrong agd's clock is."""
    date = headers.getRawHeaders("Date", [""])[0]
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
