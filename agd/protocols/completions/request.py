"""Reading a legacy completion request (OpenAI ``CreateCompletionRequest``).

Each prompt is one user turn without instructions, and no token limit is assumed: OpenAI's default of 16 tokens would
leave a thinking model nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from agd.conversation import Message, Notice, Prompt, Sampling, Text
from agd.conversation.session import session_of
from agd.options import DEFAULT, Options
from agd.protocols.completions.echo import ECHO
from agd.protocols.fields import Fields, invalid, missing, unsupported, wrong_type
from agd.protocols.native import read_native
from agd.protocols.parameters import leftovers, read_model, read_sampling, read_stream

MOST_CHOICES = 2048
"""Most completions of one request, all prompts together: each one may be a call of its own upstream."""

_MOST_OF_A_PROMPT = 128
_MOST_TRIES = 20
_MOST_LOGPROBS = 5


def read(body: Mapping[str, Any], options: Options = DEFAULT) -> Prompt:
    """Read a completion request. Raises ``BadRequest`` with ``param`` for what cannot be carried out."""
    fields, notices = Fields(body), list[Notice]()
    if fields.get("messages") is not None:
        raise invalid("messages", "it belongs to /v1/chat/completions; this route takes 'prompt'.")
    model = read_model(fields)
    suffix = fields.text("suffix") or None
    first, *further = _read_prompts(fields, may_be_empty=suffix is not None)
    echo = fields.flag("echo") or False
    silent = echo and _is_zero(fields.get("max_tokens"))
    sampling = _read_logprobs(fields, _read_sampling(fields, silent, notices), echo, notices)
    stream, include_usage = read_stream(fields, notices)
    n, best_of = _read_counts(fields, 1 + len(further), stream)
    native = read_native(fields, notices)
    return Prompt(
        model=model,
        messages=first,
        further=tuple(further),
        sampling=sampling,
        n=n,
        best_of=best_of,
        silent=silent,
        suffix=suffix,
        native=native,
        stream=stream,
        include_usage=include_usage,
        echo={ECHO: True} if echo else {},
        notices=(*notices, *leftovers(fields)),
        session=session_of(body),
        names={"messages": "prompt"},
    )


def _read_prompts(fields: Fields, may_be_empty: bool) -> Iterable[tuple[Message, ...]]:
    """Return the conversation of each prompt, of one turn each."""
    value = fields.get("prompt")
    texts = value if isinstance(value, list) else [value]
    if value is None or not texts:
        raise missing("prompt")
    for index, text in enumerate(texts):
        _check_text(text, "prompt" if text is value else f"prompt[{index}]", may_be_empty)
    return [(Message("user", (Text(text),)),) for text in texts]


def _check_text(text: Any, path: str, may_be_empty: bool) -> None:
    """Raise ``BadRequest`` for what is not text, and for text that leaves the model nothing to go on."""
    if isinstance(text, list) or (path != "prompt" and isinstance(text, int) and not isinstance(text, bool)):
        raise unsupported("prompt", "token input is not supported, its numbers belong to another tokenizer; send text.")
    if not isinstance(text, str):
        raise wrong_type(path, "a string" if path != "prompt" else "a string or an array of strings", text)
    if not text and not may_be_empty:
        raise invalid(path, "it must not be empty.")


def _is_zero(value: Any) -> bool:
    return value == 0 and isinstance(value, int) and not isinstance(value, bool)


def _read_sampling(fields: Fields, silent: bool, notices: list[Notice]) -> Sampling:
    """A limit of 0 tokens is read only where the prompt is to be repeated and nothing else."""
    return read_sampling(fields, () if silent else ("max_tokens",), notices)


def _read_logprobs(fields: Fields, sampling: Sampling, echo: bool, notices: list[Notice]) -> Sampling:
    most = fields.integer("logprobs", 0, _MOST_LOGPROBS)
    if most is None:
        return sampling
    if echo:
        notices.append(Notice("logprobs", "given for what the model writes; the provider has none for the prompt"))
    return evolve(sampling, logprobs=True, top_logprobs=most)


def _read_counts(fields: Fields, prompts: int, stream: bool) -> tuple[int, int | None]:
    """Return how many choices each prompt gets, and among how many they are chosen when that is more."""
    n = fields.integer("n", 1, _MOST_OF_A_PROMPT) or 1
    best_of = fields.integer("best_of", 0, _MOST_TRIES)
    if best_of is not None and best_of < n:
        raise invalid("best_of", f"it must not be less than 'n', which is {n}.")
    if stream and best_of is not None and best_of > 1:
        raise invalid("best_of", "the best can only be told when all are complete: it cannot be streamed.")
    if prompts * max(n, best_of or 1) > MOST_CHOICES:
        raise invalid("prompt", f"a request may ask for {MOST_CHOICES} completions at most.")
    return n, best_of if best_of is not None and best_of > n else None
