"""What can go wrong on demand, per account key, as values, and the book they are taken from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import attrs
from attrs import define, evolve, field, frozen
from attrs.validators import and_, ge, in_, instance_of, optional

from agd.simulator.rpc_status import GRPC_NAMES, Status, error_info, quota_failure, retry_info


class FaultKind(StrEnum):
    """How a request goes wrong."""

    PASS = "pass"  # noqa: S105 - a kind of fault, not a secret
    """Nothing: an ordinary answer, to let some requests through between others."""
    SLOW_HEADERS = "slow_headers"
    """``seconds`` pass before the status line, then an ordinary answer."""
    STATUS = "status"
    """An error ``status``, with details, or with ``body`` as it stands."""
    RESET = "reset"
    """The TCP connection is reset without a byte of an answer."""
    STALL = "stall"
    """Nothing more comes: no byte at all, or, with ``chunks`` k, after the headers and k chunks."""
    CUT = "cut"
    """The answer ends after ``chunks`` chunks, in the manner of ``how``, without a finish reason."""
    EMPTY = "empty"
    """200, headers, and a body without a byte."""
    ERROR_IN_200 = "error_in_200"
    """200, ``chunks`` good chunks (none unless said), then an error object as an event."""
    CLOSE_IDLE = "close_idle"
    """An ordinary answer that keeps the connection; the next request on it meets a closing without an answer."""
    GARBAGE = "garbage"
    """Bytes that are no HTTP, or, with ``chunks`` k, k good chunks and then an event that is no JSON."""


_WHOLE = frozenset({FaultKind.PASS, FaultKind.SLOW_HEADERS, FaultKind.CLOSE_IDLE})
_CUT_SHORT = frozenset({FaultKind.CUT, FaultKind.STALL, FaultKind.ERROR_IN_200, FaultKind.GARBAGE})

_seconds = optional(and_(instance_of((int, float)), ge(0)))
_count = optional(and_(instance_of(int), ge(0)))


@frozen(kw_only=True)
class Fault:
    """One fault. ``times`` is how many requests meet it (None: all, until cleared); ``seconds`` always comes first.

    ``scope`` is ``generate``, ``models``, ``count`` or ``all``; ``model`` narrows it to one model. ``status``,
    ``message``, ``grpc``, ``reason``, ``retry_delay`` (seconds), ``quota_id`` make the error of STATUS and
    ERROR_IN_200; ``body`` replaces it (or the bytes of GARBAGE). ``how`` (CUT) is ``clean`` (a well-formed end of the
    body), ``close`` (the connection closes inside the body) or ``reset``.
    """

    kind: FaultKind = field(converter=FaultKind)
    times: int | None = field(default=None, validator=_count)
    seconds: float = field(default=0.0, validator=[instance_of((int, float)), ge(0)])
    scope: str = field(default="generate", validator=in_(("generate", "models", "count", "all")))
    model: str | None = field(default=None, validator=optional(instance_of(str)))
    chunks: int | None = field(default=None, validator=_count)
    how: str = field(default="clean", validator=in_(("clean", "close", "reset")))
    status: int = field(default=503, validator=[instance_of(int), ge(200)])
    message: str = field(default="The simulator was told to fail.", validator=instance_of(str))
    grpc: str | None = field(default=None, validator=optional(instance_of(str)))
    reason: str | None = field(default=None, validator=optional(instance_of(str)))
    retry_delay: float | None = field(default=None, validator=_seconds)
    quota_id: str | None = field(default=None, validator=optional(instance_of(str)))
    body: str | None = field(default=None, validator=optional(instance_of(str)))
    content_type: str = field(default="text/html; charset=UTF-8", validator=instance_of(str))
    headers: Mapping[str, str] = field(factory=dict, validator=instance_of(dict))

    def error(self) -> Status:
        """Give the error object of this fault."""
        details = (
            *((error_info(self.reason),) if self.reason else ()),
            *((quota_failure(self.quota_id),) if self.quota_id else ()),
            *((retry_info(self.retry_delay),) if self.retry_delay is not None else ()),
        )
        return Status(self.status, self.grpc or GRPC_NAMES.get(self.status, "UNKNOWN"), self.message, details)

    @property
    def speaks(self) -> bool:
        """Whether some of the answer itself is heard."""
        if self.kind in _CUT_SHORT:
            return self.chunks != 0 if self.kind is FaultKind.CUT else bool(self.chunks)
        return self.kind in _WHOLE

    def fits(self, scope: str, model: str) -> bool:
        """Tell whether a request of this kind, for this model, meets the fault."""
        return self.scope in {scope, "all"} and self.model in {None, model} and self.times != 0


def read_faults(value: Any) -> tuple[Fault, ...]:
    """Read a fault, or a list of faults in the order in which they are met, from decoded JSON.

    In a list a fault without ``times`` is met once. Raises ``ValueError`` saying what is wrong.
    """
    if isinstance(value, list):
        return tuple(_read({"times": 1} | one if isinstance(one, dict) else one) for one in value)
    return (_read(value),)


def _read(value: Any) -> Fault:
    known = {one.name for one in attrs.fields(Fault)}
    if not isinstance(value, dict) or "kind" not in value or not set(value) <= known:
        raise ValueError(f"a fault is an object with kind and any of {', '.join(sorted(known))}; found {value!r}")
    try:
        return Fault(**value)
    except (TypeError, ValueError) as error:
        raise ValueError(str(error.args[0] if error.args else error)) from None


@define
class FaultBook:
    """The faults that wait for each key's requests."""

    _waiting: dict[str, list[Fault]] = field(factory=dict, init=False)

    def put(self, key: str, faults: Iterable[Fault]) -> None:
        """Let the requests of ``key`` meet these faults in order, in place of any that wait."""
        self._waiting[key] = list(faults)

    def clear(self, key: str | None = None) -> None:
        """Forget the faults of one key, or of all."""
        if key is None:
            self._waiting.clear()
        else:
            self._waiting.pop(key, None)

    def take(self, key: str, scope: str, model: str = "") -> Fault | None:
        """Give the first waiting fault that fits a request, and count it as met once."""
        waiting = self._waiting.get(key, [])
        for index, fault in enumerate(waiting):
            if fault.fits(scope, model):
                if fault.times is not None:
                    waiting[index] = evolve(fault, times=fault.times - 1)
                return fault
        return None
