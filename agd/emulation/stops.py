"""Stop strings that the model does not enforce itself (E02 to E04).

The visible text of a choice ends before the stop string that is complete first, as it would if the model had stopped
there; of several that are complete at the same place, the longest counts. Only what may still become a stop string is
held back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from attrs import define, field

from agd.conversation import Citation, Details, Event, Finished, FinishReason, LogProbs, TextDelta, UsageReport
from agd.emulation.automaton import Automaton
from agd.emulation.notes import Notes


@define
class _Words:
    """The visible text of one choice. ``held`` counts the code points that are still in ``pieces``."""

    automaton: Automaton
    choice: int
    notes: Notes = field(init=False)
    pieces: deque[TextDelta] = field(factory=deque, init=False)
    held: int = field(default=0, init=False)
    sent: int = field(default=0, init=False)
    node: int = field(default=0, init=False)
    ended: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.notes = Notes(self.choice)

    def take(self, event: TextDelta) -> list[Event]:
        """Take more text; return what can be told now, up to the end of the choice."""
        automaton = self.automaton
        self.node, end = automaton.scan(self.node, event.text)
        self.pieces.append(event)
        if end:
            return self._end(self.held + end - automaton.matched[self.node])
        self.held += len(event.text)
        return self._release(self.held - automaton.depth[self.node]) + self.notes.release(self.sent)

    def note(self, event: Citation | LogProbs) -> list[Event]:
        """Take what is told about the text; it follows the text that it is about."""
        if isinstance(event, Citation):
            self.notes.cite(event)
        else:
            self.notes.weigh(event)
        return self.notes.release(self.sent)

    def flush(self) -> list[Event]:
        """Return all that is held: something else follows, so no stop string goes on from here."""
        self.node = 0
        return self._release(self.held) + self.notes.release(self.sent)

    def close(self) -> list[Event]:
        """Return all that is held, and what was told about text that never came."""
        return [] if self.ended else self.flush() + self.notes.flush()

    def _end(self, keep: int) -> list[Event]:
        """Cut the held text behind its first ``keep`` code points, and end the choice."""
        self.ended = True
        events = self._release(keep, cut=True)
        self.pieces.clear()
        return [*events, *self.notes.cut(self.sent), Finished(FinishReason.STOP, "STOP", self.choice)]

    def _release(self, count: int, *, cut: bool = False) -> list[Event]:
        """Take the first ``count`` code points off the held text.

        A piece's signature leaves with the piece's end, or with what a cut leaves of it.
        """
        events: list[Event] = []
        pieces = self.pieces
        self.held -= count
        self.sent += count
        while pieces and len(pieces[0].text) <= count:
            piece = pieces.popleft()
            count -= len(piece.text)
            events.append(piece)
        if count:
            piece = pieces[0]
            events.append(TextDelta(piece.text[:count], self.choice, piece.signature if cut else None))
            pieces[0] = TextDelta(piece.text[count:], self.choice, piece.signature)
        return events


@define(init=False)
class StopCutter:
    """Ends every choice of an answer at the first of ``stops``; empty ones are none (E03).

    ``choices`` is how many the answer will have. What follows a cut in its choice is dropped; other choices and the
    usage pass.
    """

    _automaton: Automaton
    _expected: int
    _choices: dict[int, _Words] = field(factory=dict)

    def __init__(self, stops: Iterable[str], choices: int = 1) -> None:
        self.__attrs_init__(Automaton(stop for stop in stops if stop), choices)

    @property
    def done(self) -> bool:
        """Whether every choice was cut: nothing of what the provider may still say is wanted."""
        choices = self._choices.values()
        return len(choices) >= self._expected and all(words.ended for words in choices)

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Take further events; return those that can be told now."""
        out: list[Event] = []
        for event in events:
            if isinstance(event, UsageReport):
                out.append(event)
            else:
                words = self._words(event.choice)
                if not words.ended:
                    _pass(words, event, out)
        return out

    def close(self) -> list[Event]:
        """Return what is held of choices that were not cut."""
        return [event for words in self._choices.values() for event in words.close()]

    def _words(self, choice: int) -> _Words:
        words = self._choices.get(choice)
        if words is None:
            words = self._choices[choice] = _Words(self._automaton, choice)
        return words


def _pass(words: _Words, event: Event, out: list[Event]) -> None:
    """Give one event of a choice that goes on; what is not about its text follows all text before it."""
    if isinstance(event, TextDelta):
        out += words.take(event)
    elif isinstance(event, Citation | LogProbs):
        out += words.note(event)
    else:
        if isinstance(event, Finished):
            out += words.close()
        elif not isinstance(event, Details):
            out += words.flush()
        out.append(event)
