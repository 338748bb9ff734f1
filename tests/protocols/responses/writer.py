"""A response told as a stream of which nothing is stored, as the web frames it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from agd.conversation import Event
from agd.errors import GatewayError
from agd.protocols import sse
from agd.protocols.endpoint import Context
from agd.protocols.responses.narration import Narration
from agd.protocols.responses.stream import framed


@define
class ResponseStream:
    """Bytes for events, and for either end."""

    context: Context
    _narration: Narration = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._narration = Narration(self.context)

    def write(self, events: Sequence[Event]) -> bytes:
        """Tell events."""
        return framed(self._narration.write(events))

    def close(self) -> bytes:
        """Tell a good end."""
        return framed([*self._narration.finish(), *self._narration.terminal(stored=False)]) + sse.DONE

    def fail(self, error: GatewayError) -> bytes:
        """Tell a bad end."""
        return framed([*self._narration.break_off(error), *self._narration.terminal(stored=False)]) + sse.DONE
