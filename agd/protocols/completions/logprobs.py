"""Token probabilities as legacy completions show them: four lists side by side (``choices[].logprobs``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define

from agd.conversation import TokenLogprob


@define
class LogprobsWriter:
    """Writes one choice's tokens, all at once or bit by bit.

    ``offset`` is where the next token begins in the choice's text, in code points; ``most`` is how many of the
    likeliest tokens were asked for. As OpenAI has it, the token that was drawn is always among them, so there may be
    one more.
    """

    offset: int
    most: int

    def write(self, tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
        """Return the object for the next tokens."""
        return {
            "tokens": [token.token for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [self._likeliest(token) for token in tokens],
            "text_offset": [self._place(token) for token in tokens],
        }

    def _likeliest(self, token: TokenLogprob) -> dict[str, float]:
        return {**dict(token.top[: self.most]), token.token: token.logprob}

    def _place(self, token: TokenLogprob) -> int:
        place = self.offset
        self.offset += len(token.token)
        return place
