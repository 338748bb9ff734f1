"""What is said: words, thoughts and calls that answer a request, the same for the same request."""

from __future__ import annotations

import re
from itertools import cycle, islice

from attrs import frozen

from agd.encoding import encode_text
from agd.simulator.asked import Asked, Call, Declaration, Media, Said, Turn
from agd.simulator.pace import without_marker
from agd.simulator.schema_filler import Material, fill

# Every character belongs to exactly one token, so that tokens joined again are the text.
_TOKEN = re.compile(r"\s*[^\s,]*,+|\s*[^\s,]+|\s+")
_QUOTED_WORDS = 8
_MEDIA_TOKENS = 258

_PHRASES = (
    "Thank you for the question. Here is a short and careful answer, point by point.",
    "First, the request was read as it stands, and nothing was added to it.",
    "Second, the main idea is simple, and a small example makes it clear.",
    "Third, every detail above can be checked against the words of the request.",
    "If something is missing, please say so, and the answer will be made longer.",
)
_FILLER = tuple(word for phrase in _PHRASES for word in phrase.split(" "))


@frozen
class Speech:
    """One answer before it is cut into chunks: ``tokens`` joined are the visible text."""

    thought: str
    tokens: tuple[str, ...]
    calls: tuple[Call, ...]
    finish: str
    prompt_tokens: int


def speak(asked: Asked, words: int, seed: str) -> Speech:
    """Answer a request in about ``words`` words; ``seed`` names the request and goes into the ids of calls."""
    asking = _last_words(asked.turns)
    text = without_marker(asking)
    calls = _calls(asked, text, seed)
    tokens, finish = _limited(asked, "" if calls else _text(asked, text, words))
    thought = (
        f"**Reading the request**\n\nThe request begins with {_quote(text)}.\n" if asked.generation.thoughts else ""
    )
    return Speech(thought, tokens, calls, finish, prompt_tokens(asked))


def tokenized(text: str) -> tuple[str, ...]:
    """Cut a text into tokens, which are the text when they are joined."""
    return tuple(_TOKEN.findall(text))


def count_words(text: str) -> int:
    """Count the tokens of a text as the simulator does: words."""
    return len(text.split())


def _last_words(turns: tuple[Turn, ...]) -> str:
    """Give the words of the last user turn that has any."""
    return next((text for turn in reversed(turns) if turn.role == "user" and (text := turn.text())), "")


def _calls(asked: Asked, text: str, seed: str) -> tuple[Call, ...]:
    """Give the calls to make: one, two when the text says "parallel", none after results or when not allowed."""
    offered = asked.tools.callable()
    if not offered or asked.turns[-1].results() or asked.turns[-1].role != "user":
        return ()
    named = [one for one in offered if re.search(rf"\b{re.escape(one.name)}\b", text)]
    wanted = (
        (named + [one for one in offered if one not in named]) if "parallel" in text.lower() else named or [*offered]
    )
    count = 2 if "parallel" in text.lower() else 1
    material = Material.of(text)
    return tuple(_call(one, material, f"{seed}{index}") for index, one in enumerate(islice(cycle(wanted), count)))


def _call(declaration: Declaration, material: Material, seed: str) -> Call:
    schema = declaration.schema
    args = fill({"type": "object", **schema}, material) if schema else {}
    return Call(declaration.name, args, seed)


def _text(asked: Asked, text: str, words: int) -> str:
    if asked.generation.mime != "text/plain":
        return _structured(asked, text)
    opening = [f"You wrote {_quote(text)}."] if text else []
    opening += [f"I see {_described(part)}." for part in asked.turns[-1].parts if isinstance(part, Media)]
    opening += [f"{one.name} answered {encode_text(one.response)[:120]}." for one in asked.turns[-1].results()]
    said = " ".join(opening).split(" ") if opening else []
    missing = max(words - len(said), 0)
    return " ".join([*said, *islice(cycle(_FILLER), missing)])


def _structured(asked: Asked, text: str) -> str:
    """Give JSON that fits the schema, or any object when there is none; an enum's member stands bare."""
    schema = asked.generation.schema
    value = fill(schema, Material.of(text)) if schema is not None else {"answer": f"You wrote {_quote(text)}."}
    return str(value) if asked.generation.mime == "text/x.enum" else encode_text(value)


def _quote(text: str) -> str:
    words = text.split()
    return '"' + " ".join(words[:_QUOTED_WORDS]) + ("..." if len(words) > _QUOTED_WORDS else "") + '"'


def _described(media: Media) -> str:
    article = "an" if media.mime[:1] in "aeio" else "a"
    return f"{article} {media.mime} of {media.size} bytes" if media.size else f"{article} {media.mime} by reference"


def _limited(asked: Asked, text: str) -> tuple[tuple[str, ...], str]:
    """Cut a text at the first stop sequence, then at the token limit, and say how it finishes."""
    ends = [end for stop in asked.generation.stop if (end := text.find(stop)) >= 0]
    tokens = tokenized(text[: min(ends)] if ends else text)
    limit = asked.generation.max_tokens
    if limit is not None and len(tokens) > limit:
        return tokens[:limit], "MAX_TOKENS"
    return tokens, "STOP"


def prompt_tokens(asked: Asked) -> int:
    """Count the tokens of a request: words, and so many for anything else."""
    parts = [part for turn in asked.turns for part in turn.parts]
    words = sum(count_words(part.text) for part in parts if isinstance(part, Said))
    others = sum(_MEDIA_TOKENS if isinstance(part, Media) else 8 for part in parts if not isinstance(part, Said))
    return count_words(asked.instructions) + words + others
