"""Probabilities of tokens as Responses shows them (OpenAI ``LogProb``), and which text they belong to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, field

from agd.conversation import Event, LogProbs, TokenLogprob

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@define
class Probabilities:
    """Tokens whose text is not told yet, or is not complete yet. They follow one another as the text does."""

    _tokens: deque[TokenLogprob] = field(factory=deque)
    _place: int = 0
    """Where in the provider's words the first of them begins, in code points."""

    @property
    def waiting(self) -> bool:
        """Whether there are any."""
        return bool(self._tokens)

    def take(self, tokens: Iterable[TokenLogprob]) -> None:
        """Take further tokens."""
        self._tokens.extend(tokens)

    def within(self, start: int, end: int) -> list[dict[str, Any]]:
        """Return the tokens that begin between two offsets, once; those before can be shown nowhere any more."""
        found = []
        while self._tokens and self._place < end:
            token = self._tokens.popleft()
            if self._place >= start:
                found.append(_shown(token))
            self._place += len(token.token)
        return found


def probabilities_first(events: Sequence[Event]) -> list[Event]:
    """Return events that came together so that a text's probabilities are known when the text is told."""
    if len(events) < 2:
        return list(events)
    return sorted(events, key=lambda event: not isinstance(event, LogProbs))


def _shown(token: TokenLogprob) -> dict[str, Any]:
    likeliest = sorted(token.top, key=lambda pair: -pair[1])
    return {**_entry(token.token, token.logprob), "top_logprobs": [_entry(*pair) for pair in likeliest]}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    """Write one; the bytes of a character that the provider cut in two are not known, so there are none."""
    known = [] if _REPLACEMENT in token else list(token.encode("utf-8", "replace"))
    return {"token": token, "logprob": logprob, "bytes": known}
