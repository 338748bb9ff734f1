"""What a WebSocket asks of the Responses engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agd.errors import GatewayError
from agd.gateway import Trail

if TYPE_CHECKING:
    from agd.conversation import Event
    from agd.gateway.inquiry import Source

Frame = tuple[str, bytes]
"""An event's type, and the JSON text of the whole event."""


class Record(Protocol):
    """A response as it is remembered."""

    @property
    def id(self) -> str:
        """The id that a later turn continues from."""

    @property
    def previous(self) -> str | None:
        """The id that this one continued from."""


class Narration(Protocol):
    """A response while it is told."""

    @property
    def status(self) -> str:
        """The status of the Response object as it stands."""

    def begin(self) -> list[Frame]:
        """Return ``response.created`` and ``response.in_progress``; nothing the second time."""

    def write(self, events: Sequence[Event]) -> list[Frame]:
        """Return what these events of the answer say."""


class Turn(Protocol):
    """One response: ``open``, then ``conclude``; or ``warm_up`` alone where ``generate`` is false.

    Where that fails after the narration began, ``fail`` or ``cancel`` ends it instead. None of them is called twice,
    and a turn whose client left is let go of without a word.
    """

    @property
    def id(self) -> str:
        """The response's id."""

    @property
    def narration(self) -> Narration:
        """What tells it."""

    @property
    def generate(self) -> bool:
        """Whether anything is to be generated; else the turn only prepares another one."""

    @property
    def record(self) -> Record | None:
        """After ``conclude`` or ``warm_up``: what was made of it."""

    @property
    def stored(self) -> bool:
        """Whether the store has it; if not, this connection is to remember it, because nothing else does."""

    async def open(self) -> Source:
        """Ask upstream; return with the first event in hand. Raises ``GatewayError``."""

    async def conclude(self) -> list[Frame]:
        """Keep the response, and return its last frames with the terminal event."""

    async def fail(self, error: GatewayError) -> list[Frame]:
        """Return the last frames of a response that broke off."""

    async def cancel(self) -> list[Frame]:
        """Return the last frames of a response that the client called off."""

    async def warm_up(self) -> list[Frame]:
        """Remember the input, and return all frames of a response without output."""


class Engine(Protocol):
    """Answers Responses requests, whatever they come by."""

    async def begin(
        self, body: Mapping[str, Any], owner: str, trail: Trail, local: Mapping[str, Any] | None = None
    ) -> Turn:
        """Read a request. ``local`` is what the connection remembers, by id. Raises ``GatewayError``."""
