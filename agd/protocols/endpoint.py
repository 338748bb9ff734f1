"""What one client protocol is to the rest of agd: a reader, a renderer and a stream writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from attrs import evolve, frozen

from agd.errors import GatewayError
from agd.options import DEFAULT, Options

if TYPE_CHECKING:
    from agd.conversation import Answer, Event, Prompt


@frozen
class Context:
    """What an answer needs beside its events.

    ``token`` is random text given by the caller (hexadecimal, 24 to 48 characters): every id of the answer is made
    from it, so that ids are constant within one answer. ``created`` is in unix seconds. The model shown to the
    client is ``prompt.model``, as it wrote it.
    """

    token: str
    created: int
    prompt: Prompt
    options: Options = DEFAULT

    def unburdened(self) -> Context:
        """Return a context for an answer that needs no conversation: that may be large, and a stream long."""
        return evolve(self, prompt=evolve(self.prompt, messages=(), further=(), instructions=(), tools=()))


class StreamWriter(Protocol):
    """Turns events into the bytes of one event stream. After ``close`` or ``fail`` nothing more is called."""

    def write(self, events: Sequence[Event]) -> bytes:
        """Return the bytes for these events, all of them in one piece; may be empty."""
        ...

    def close(self) -> bytes:
        """Return what ends a complete answer: usage if asked for, the terminal event, ``[DONE]``."""
        ...

    def fail(self, error: GatewayError) -> bytes:
        """Return the event that tells the client of an error; the stream ends there."""
        ...


class Endpoint(Protocol):
    """One route's language."""

    def read(self, body: Mapping[str, Any], options: Options = DEFAULT, /) -> Prompt:
        """Read a request; raises ``BadRequest`` naming the field that cannot be carried out."""
        ...

    def render(self, answer: Answer, context: Context, /) -> dict[str, Any]:
        """Return the JSON object of a plain, complete answer."""
        ...

    def stream(self, context: Context, /) -> StreamWriter:
        """Return a fresh writer for one streamed answer."""
        ...


class Reading(Protocol):
    """The type of a function that reads a request."""

    def __call__(self, body: Mapping[str, Any], options: Options = DEFAULT, /) -> Prompt:
        """Read a request; raises ``BadRequest`` naming the field that cannot be carried out."""
        ...


@frozen
class Language:
    """An ``Endpoint`` put together from its three parts, so that readers and renderers can be combined."""

    read: Reading
    render: Callable[[Answer, Context], dict[str, Any]]
    stream: Callable[[Context], StreamWriter]
