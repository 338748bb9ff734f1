"""Framing a Response as server-sent events: each event named, and ``[DONE]`` behind the terminal one in every case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, field

from agd.conversation import Event
from agd.errors import GatewayError
from agd.protocols import sse
from agd.protocols.endpoint import Context
from agd.protocols.responses.narration import Frame, Narration


def framed(frames: Iterable[Frame]) -> bytes:
    """Return events as they travel in a stream; ``event:`` says what ``type`` says (I02)."""
    return b"".join([sse.named(kind, text) for kind, text in frames])


@define
class ResponseStream:
    """A ``StreamWriter``. Nothing it tells is stored."""

    context: Context
    _narration: Narration = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._narration = Narration(self.context)

    def write(self, events: Sequence[Event]) -> bytes:
        """Return the events these mean to the client; the first time, after created and in_progress."""
        return framed(self._narration.write(events))

    def close(self) -> bytes:
        """Close what is open and end the answer as completed or incomplete; without a finish it fails."""
        return framed([*self._narration.finish(), *self._narration.terminal(stored=False)]) + sse.DONE

    def fail(self, error: GatewayError) -> bytes:
        """End the answer as failed, with the items that were finished."""
        return framed(self._narration.fail(error, stored=False)) + sse.DONE
