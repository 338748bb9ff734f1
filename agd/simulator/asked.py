"""What a request asks, once it has been found valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen


@frozen
class Media:
    """A picture, sound or document: MIME type and size in bytes (0 for one that is only referred to)."""

    mime: str
    size: int


@frozen
class Call:
    """A function call; ``signed`` when it carries an intact or a bypassing thought signature."""

    name: str
    args: Mapping[str, Any]
    id: str | None = None
    signed: bool = False


@frozen
class Result:
    """What a function answered."""

    name: str
    response: Mapping[str, Any]
    id: str | None = None


@frozen
class Said:
    """Words, or a summary of thoughts."""

    text: str
    thought: bool = False


@frozen
class Other:
    """A part whose field ``kind`` the simulator accepts and does not look into."""

    kind: str


Part = Said | Media | Call | Result | Other


@frozen
class Turn:
    """One content: ``role`` is ``user`` or ``model``."""

    role: str
    parts: tuple[Part, ...]

    def calls(self) -> list[Call]:
        """Give the function calls, in order."""
        return [part for part in self.parts if isinstance(part, Call)]

    def results(self) -> list[Result]:
        """Give the function responses, in order."""
        return [part for part in self.parts if isinstance(part, Result)]

    def text(self) -> str:
        """Give the words, thoughts left out."""
        return " ".join(part.text for part in self.parts if isinstance(part, Said) and not part.thought)


@frozen
class Declaration:
    """A function on offer; ``schema`` is its parameters in either door's dialect, None when it takes none."""

    name: str
    schema: Mapping[str, Any] | None = None


@frozen
class Tools:
    """Functions on offer and whether to call them: mode AUTO, ANY, NONE or VALIDATED."""

    declarations: tuple[Declaration, ...] = ()
    mode: str = "AUTO"
    allowed: tuple[str, ...] = ()

    def callable(self) -> tuple[Declaration, ...]:
        """Give the functions that may be called now."""
        if self.mode == "NONE":
            return ()
        return tuple(one for one in self.declarations if not self.allowed or one.name in self.allowed)


@frozen
class Generation:
    """How to answer: where to stop, in what format, whether to show thoughts."""

    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    mime: str = "text/plain"
    schema: Mapping[str, Any] | None = None
    thoughts: bool = False


@frozen
class Asked:
    """A valid request to one model."""

    model: str
    turns: tuple[Turn, ...]
    instructions: str
    tools: Tools
    generation: Generation
