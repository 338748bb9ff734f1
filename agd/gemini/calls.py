"""From ``functionCall`` parts to events of a tool call, whole or streamed in pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Event, ToolCallDelta, ToolCallDone, ToolCallStart
from agd.encoding import InvalidJSON, encode_text
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.partial_args import PartialArgs


@define
class CallIds:
    """The ids of one answer: the provider's own where it gives a usable one, else minted; none is used twice."""

    _mint: Callable[[], str]
    _used: dict[str, None] = field(factory=dict)
    """A dictionary, for an empty set takes three times as much, and most answers call nothing."""

    def take(self, offered: object) -> str:
        """Return ``offered`` if it is a text that is new to this answer, else a minted id."""
        fresh = isinstance(offered, str) and offered and offered not in self._used
        name = str(offered) if fresh else self._mint()
        self._used[name] = None
        return name


@define
class _Pending:
    """A call whose end has not come yet."""

    id: str | None
    name: str
    signature: str | None
    args: PartialArgs


@define
class Calls:
    """The calls of one candidate over the whole answer. ``count`` is how many have been emitted."""

    _choice: int
    _ids: CallIds
    _names: Mapping[str, str]
    count: int = 0
    _pending: _Pending | None = None

    def read(self, call: Mapping[str, Any], signature: str | None) -> list[Event]:
        """Take one ``functionCall``, whole or a piece; the events of a call come together, when it is complete.

        Raises ``UpstreamFailure`` (MALFORMED) for a piece of no call or arguments that are no object.
        """
        events: list[Event] = []
        if self._begins(call):
            events += self._complete()
            self._pending = _begin(call, signature)
        pending = self._pending
        if pending is None:
            raise UpstreamFailure(FailureKind.MALFORMED, "a function call has no name")
        pending.signature = pending.signature or signature
        _fill(pending.args, call)
        return events if call.get("willContinue") else events + self._complete()

    @property
    def unfinished(self) -> bool:
        """Whether a call was begun whose last piece has not come."""
        return self._pending is not None

    def _begins(self, call: Mapping[str, Any]) -> bool:
        """A name begins a call, unless it repeats, with the same id, the one that is under way."""
        if not call.get("name"):
            return False
        pending = self._pending
        return pending is None or pending.id is None or pending.id != call.get("id")

    def _complete(self) -> list[Event]:
        if self._pending is None:
            return []
        call, self._pending = self._pending, None
        index, self.count = self.count, self.count + 1
        name = self._names.get(call.name, call.name)
        return [
            ToolCallStart(index, self._ids.take(call.id), name, call.signature, self._choice),
            ToolCallDelta(index, _text(call.args), self._choice),
            ToolCallDone(index, self._choice),
        ]


def _begin(call: Mapping[str, Any], signature: str | None) -> _Pending:
    own = call.get("id")
    return _Pending(own if isinstance(own, str) else None, str(call["name"]), signature, PartialArgs())


def _text(args: PartialArgs) -> str:
    try:
        return encode_text(args.close())
    except InvalidJSON as error:
        raise UpstreamFailure(FailureKind.MALFORMED, f"the arguments of a function call: {error}") from None


def _fill(args: PartialArgs, call: Mapping[str, Any]) -> None:
    whole = call.get("args")
    if whole is not None:
        if not isinstance(whole, dict):
            raise UpstreamFailure(FailureKind.MALFORMED, "the arguments of a function call are not an object")
        args.update(whole)
    pieces = call.get("partialArgs")
    for piece in pieces if isinstance(pieces, list) else ():
        args.add(piece if isinstance(piece, dict) else {})
