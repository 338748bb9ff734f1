"""The few exceptions that cross rooms.

``GatewayError`` is what a client is told; each protocol renders it in its own shape, once, at the edge. An
``UpstreamFailure`` is what one upstream attempt met; the gateway judges it and turns the last one into a
``GatewayError``. Neither ever carries a credential or an upstream's HTML.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from attrs import define, field, frozen


class GatewayError(Exception):
    """An answer that is an error: HTTP status and the four fields of OpenAI's error object.

    ``retry_after`` is in seconds; ``headers`` go with the answer beside those that every error has.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.headers = headers


class BadRequest(GatewayError):
    """The client's request cannot be carried out as written: 400, ``param`` names the field."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(400, message, param=param, code=code)


class FailureKind(StrEnum):
    """How an upstream attempt failed."""

    STATUS = "status"
    """The upstream answered with an error status, or with an error object inside a 200."""
    CONNECT = "connect"
    """No connection, or it broke before the first byte of an answer."""
    TIMEOUT = "timeout"
    """The first event, or the next bytes, did not come in time."""
    EMPTY = "empty"
    """The answer ended without a single event."""
    CUT = "cut"
    """The answer ended before the model had finished."""
    MALFORMED = "malformed"
    """The answer is not what the provider's format allows, or the model's call was malformed."""


class Cause(StrEnum):
    """What a failed attempt was about, as far as the provider tells (PITFALLS G30, G33)."""

    REQUEST = "request"
    """The request cannot be carried out as it is; every account would say the same."""
    KEY_INVALID = "key_invalid"
    KEY_EXPIRED = "key_expired"
    KEY_LEAKED = "key_leaked"
    """The provider has switched the key off because it was found in public."""
    KEY_RESTRICTED = "key_restricted"
    """The key may not be used from here, or not for this API."""
    UNAUTHENTICATED = "unauthenticated"
    """The credential was not accepted (401)."""
    SUSPENDED = "suspended"
    """The account or its project was shut out, for its terms of service or by an administrator."""
    SERVICE_DISABLED = "service_disabled"
    """The project has not switched the API on."""
    BILLING = "billing"
    """The project pays for nothing, or its payments are in trouble."""
    VALIDATION = "validation"
    """The provider wants a human to confirm the account."""
    REGION = "region"
    """The provider does not serve the place that agd asks from."""
    PRECONDITION = "precondition"
    """Some other state that the request or the account is not in (FAILED_PRECONDITION)."""
    FORBIDDEN = "forbidden"
    """A 403 that does not say whether it is about the account, the model or the request."""
    MODEL_MISSING = "model_missing"
    """The account, or its region, does not have the model."""
    MINUTE_QUOTA = "minute_quota"
    DAY_QUOTA = "day_quota"
    UNTOLD_QUOTA = "untold_quota"
    """A 429 that names no quota: the account's, or the request's."""
    OVERLOADED = "overloaded"
    """The provider is short of capacity for the model."""
    SERVER = "server"
    """A fault of the provider's machines."""
    UNIMPLEMENTED = "unimplemented"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    OWN_WAY = "own_way"
    """What the account alone goes by failed: its proxy, its certificates, its token endpoint."""
    BROKEN = "broken"
    """The answer was empty, cut or garbled."""


@define
class UpstreamFailure(Exception):
    """What one attempt met, told in the provider's terms, fit to be logged."""

    kind: FailureKind
    message: str
    status: int | None = None
    """HTTP status, also for an error object inside a 200."""
    grpc: str = ""
    """google.rpc.Code name, such as RESOURCE_EXHAUSTED."""
    reason: str = ""
    """google.rpc.ErrorInfo.reason, such as API_KEY_INVALID."""
    retry_after: float | None = None
    """Seconds until the provider wants to be asked again."""
    quota_ids: tuple[str, ...] = ()
    """google.rpc.QuotaFailure.violations[].quotaId."""
    stale: bool = False
    """The connection had been kept from an earlier request and was closed without a byte of answer."""
    own: bool = False
    """Met on the account's own way: at its proxy, by its certificates, at its token endpoint. It says nothing about
    the upstream."""

    def __str__(self) -> str:
        return f"{self.status} {self.message}" if self.status is not None else self.message


class StoreError(Exception):
    """The store cannot do what was asked. Its text is a sentence for the operator, without anything that was stored."""


@frozen
class ConfigurationProblem:
    """One thing wrong in a configuration: where, what was found, what is allowed."""

    path: str
    found: str
    allowed: str
    source: str = ""
    """The file that it is in, where that is not the configuration's own."""

    def __str__(self) -> str:
        return f"{self.path}: found {self.found}; allowed: {self.allowed}"


def _as_tuple(problems: Iterable[ConfigurationProblem]) -> tuple[ConfigurationProblem, ...]:
    return tuple(problems)


@define
class ConfigurationError(Exception):
    """A configuration that the daemon must not start with. ``files``: what was looked at, where that is known."""

    source: str
    problems: tuple[ConfigurationProblem, ...] = field(converter=_as_tuple)
    files: tuple[str, ...] = field(default=(), eq=False)

    def __str__(self) -> str:
        return "\n".join(f"{problem.source or self.source}: {problem}" for problem in self.problems)


class ClientLostError(Exception):
    """The client left, or stopped reading for longer than it may: there is nobody to tell anything."""
