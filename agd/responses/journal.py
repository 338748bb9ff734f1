"""The events of a response that runs without a client: kept in order, to be read from any point on, more than once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from agd.encoding import decode
from agd.errors import ClientLostError
from agd.protocols.responses.narration import Frame

_COMPRESSION = 1  # others wait meanwhile, and what takes most room, pictures, hardly gets smaller by trying harder
_AT_ONCE = 64
"""Frames given to a follower in one piece: one that does not keep up pauses in between."""


@define(eq=False)
class Journal:
    """Frames by their sequence number. Followers are told that there is more; they read when they can."""

    frames: list[Frame] = field(factory=list)
    closed: bool = False
    _followers: list[Callable[[], None]] = field(factory=list)

    def add(self, frames: Sequence[Frame]) -> None:
        """Take further frames."""
        self.frames += frames
        self._tell()

    def close(self) -> None:
        """Nothing more will come."""
        self.closed = True
        self._tell()
        self._followers.clear()

    def follow(self, told: Callable[[], None]) -> None:
        """Call ``told`` whenever there is more, and at the end."""
        if not self.closed:
            self._followers.append(told)

    def leave(self, told: Callable[[], None]) -> None:
        """Do not call it any more."""
        if told in self._followers:
            self._followers.remove(told)

    def _tell(self) -> None:
        for told in tuple(self._followers):
            told()


class FrameSink(Protocol):
    """What takes frames."""

    def take(self, frames: Sequence[Frame], /) -> None:
        """Take further frames, in order."""


@implementer(IPushProducer)
@define(eq=False)
class Reading:
    """One follower's way through a journal, from frame ``at`` on: a source of frames as a relay is one of events."""

    journal: Journal
    _at: int = 0
    paused: bool = field(default=False, init=False)
    _sink: FrameSink | None = field(default=None, init=False)
    _done: Deferred[None] = field(init=False)

    def pour(self, sink: FrameSink) -> Deferred[None]:
        """Give the sink every frame that is there and that comes; fires after the last one."""
        self._sink = sink
        self._done = Deferred(lambda _: self._leave())
        self.journal.follow(self._more)
        self._more()
        return self._done

    def pauseProducing(self) -> None:
        """The follower does not keep up."""
        self.paused = True

    def resumeProducing(self) -> None:
        """The follower reads on."""
        self.paused = False
        self._more()

    def stopProducing(self) -> None:
        """The follower is gone. The response goes on without it."""
        if self._sink is not None:
            self._leave()
            self._done.errback(Failure(ClientLostError("the client left")))

    def _more(self) -> None:
        while self._sink is not None and not self.paused:
            frames = self.journal.frames[self._at : self._at + _AT_ONCE]
            if not frames:
                break
            self._at += len(frames)
            self._sink.take(frames)
        if self._sink is not None and self.journal.closed and self._at >= len(self.journal.frames):
            self._leave()
            self._done.callback(None)

    def _leave(self) -> None:
        self._sink = None
        self.journal.leave(self._more)


def pack(frames: Sequence[Frame]) -> bytes:
    """Write frames for the store: their JSON texts, which hold no raw line break, a line each, compressed."""
    return zlib.compress(b"\n".join(text for _, text in frames), _COMPRESSION)


def unpack(packed: bytes) -> Journal:
    """Read what ``pack`` wrote, as a journal that is closed."""
    texts = zlib.decompress(packed).split(b"\n")
    return Journal([(decode(text)["type"], text) for text in texts], closed=True)
