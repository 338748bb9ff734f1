"""Probabilities of tokens as chat shows them (OpenAI ``ChatCompletionTokenLogprob``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agd.conversation import TokenLogprob

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def chat_logprobs(tokens: Iterable[TokenLogprob]) -> dict[str, Any]:
    """Write ``choices[].logprobs``; refusals have none."""
    return {"content": [_token(token) for token in tokens], "refusal": None}


def _token(token: TokenLogprob) -> dict[str, Any]:
    likeliest = sorted(token.top, key=lambda pair: -pair[1])
    return {**_entry(token.token, token.logprob), "top_logprobs": [_entry(*pair) for pair in likeliest]}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": _bytes(token)}


def _bytes(token: str) -> list[int] | None:
    """Return a token in UTF-8; None where the provider cut a character in two and its bytes are not known."""
    return None if _REPLACEMENT in token else list(token.encode("utf-8", "replace"))
