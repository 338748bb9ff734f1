"""What is to be said on cue, in place of the simulator's own words: the next answers, as a test wrote them.

A cue waits for an answer of which at least a part is heard: a request that is refused, or that meets a fault without a
word of the answer, leaves it to the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from attrs import define, evolve, field, frozen
from attrs.validators import instance_of

from agd.simulator.asked import Call
from agd.simulator.chunks import Answer
from agd.simulator.speech import tokenized


def _calls(value: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    try:
        return tuple((one["name"], dict(one["args"])) for one in value)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"calls are objects with name and args; found {value!r}") from None


@frozen(kw_only=True)
class Cue:
    """One answer: a thought, a text, calls (``{"name", "args"}`` each) and a finish reason, as far as given."""

    thought: str = field(default="", validator=instance_of(str))
    text: str = field(default="", validator=instance_of(str))
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=(), converter=_calls)
    finish: str = field(default="STOP", validator=instance_of(str))

    def spoken(self, answer: Answer) -> Answer:
        """Give an answer with the cue's words in place of its own: still signed, counted and cut as any other."""
        calls = tuple(Call(name, args, f"{answer.id}{index}") for index, (name, args) in enumerate(self.calls))
        speech = evolve(
            answer.speech, thought=self.thought, tokens=tokenized(self.text), calls=calls, finish=self.finish
        )
        return evolve(answer, speech=speech)


def read_cues(value: Any) -> tuple[Cue, ...]:
    """Read a list of cues from decoded JSON. Raises ``ValueError`` saying what is wrong."""
    known = {one.name for one in attrs.fields(Cue)}
    if not isinstance(value, list) or not all(isinstance(one, dict) and set(one) <= known for one in value):
        raise ValueError(f"cues are a list of objects with any of {', '.join(sorted(known))}; found {value!r}")
    try:
        return tuple(Cue(**one) for one in value)
    except TypeError as error:
        raise ValueError(str(error.args[0] if error.args else error)) from None


@define
class CueBook:
    """The cues that wait, for whichever key is asked next."""

    _waiting: deque[Cue] = field(factory=deque, init=False)

    def put(self, cues: Iterable[Cue]) -> None:
        """Let the next answers be these, in place of any that wait."""
        self._waiting = deque(cues)

    def applied(self, answer: Answer) -> Answer:
        """Give the answer with the next cue, which is used up; without one, as it is."""
        return self._waiting.popleft().spoken(answer) if self._waiting else answer
