"""A request that was let in, from the look at its key until all that was asked for it has ended.

This is the one gate: chat, completions and Responses, over HTTP and WebSockets, in the foreground and the background,
compacting and counting all come through ``Gateway.open``, ``complete`` or ``count``, and these through here.

What a request used is what the provider counted, over all calls whose answers the client was given or left. Attempts
that failed are not the client's. An answer that broke off or whose client left counts with what was told by then; where
nothing was ever told of a complete one, the estimate stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from attrs import define, field

from agd.conversation import Event, UsageReport
from agd.errors import UpstreamFailure
from agd.keys.tab import Moment, Ticket
from agd.upstream.relay import Relay


@define(eq=False)
class Passage:
    """One ticket, settled once: later ends of the same request change nothing. ``moment`` gives the present."""

    _ticket: Ticket
    _moment: Callable[[], Moment]
    _calls: int = field(default=1, init=False)
    _left: int = field(default=0, init=False)
    _used: int = field(default=0, init=False)

    def __enter__(self) -> None:
        """Nothing has been asked yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Let the request go again where nothing comes of it.

        A client that leaves while it is asked for has probably cost its input; that is not known, and not counted.
        """
        if error is not None:
            self.release()

    def follow(self, relays: Sequence[Relay]) -> None:
        """Settle when the last of these has ended, in whatever way."""
        if not self._ticket.is_open:
            return  # nobody counts it, and streams of nobody's cost nothing
        self._calls = self._left = len(relays)
        for relay in relays:
            self._attend(relay)

    def answered(self, answers: Iterable[Iterable[Event]]) -> None:
        """Settle by whole answers, one for each call."""
        if not self._ticket.is_open:
            return
        told = [_told(events) for events in answers]
        self._calls = len(told)
        self.settle(sum(self._share if tokens is None else tokens for tokens in told))

    def settle(self, tokens: int) -> None:
        """The request is over and has used so many tokens."""
        self._ticket.settle(tokens, self._moment())

    def release(self) -> None:
        """The request is over and has used nothing."""
        self._ticket.release(self._moment())

    @property
    def _share(self) -> int:
        """What one call was thought to take."""
        return self._ticket.reserved.total // self._calls

    def _attend(self, relay: Relay) -> None:
        if relay.is_over:
            self._ended(relay, None)
            return
        relay.on_end = partial(self._end_with, relay.on_end, relay)

    def _end_with(
        self, before: Callable[[UpstreamFailure | None], None], relay: Relay, failure: UpstreamFailure | None
    ) -> None:
        try:
            before(failure)
        finally:
            self._ended(relay, failure)

    def _ended(self, relay: Relay, failure: UpstreamFailure | None) -> None:
        usage = relay.usage
        if usage is not None:
            self._used += usage.total
        elif failure is None:
            self._used += self._share
        self._left -= 1
        if self._left == 0:
            self.settle(self._used)


def _told(events: Iterable[Event]) -> int | None:
    """Return how many tokens an answer took, None when it does not say so."""
    return next((event.usage.total for event in events if isinstance(event, UsageReport)), None)
