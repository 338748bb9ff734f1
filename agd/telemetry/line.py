"""One request as one line: in words, or as a record for programs. Times are in milliseconds.

What clients or providers wrote is shown so that it can neither flood the log nor forge a line of it, or the beginning
of a part of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agd.accounts.account import Account
from agd.gateway import Attempt, Trail

WORD_LENGTH = 100
WORDS_LENGTH = 500


def in_words(method: str, path: str, status: int | str, seconds: float, trail: Trail) -> str:
    """Return the line that people read."""
    ended = f"/{trail.broke}" if trail.broke is not None else ""
    begin = f"{word(trail.request_id)} {word(method)} {word(path)} {status}{ended} {round(seconds * 1000)}ms"
    parts = [begin, *([_route(trail)] if trail.model else []), *map(_try, trail.tries), *_beside(trail)]
    parts += [f"| {words(failure)}" for failure in trail.failures]
    if trail.notices:
        parts.append("| notices: " + words("; ".join(f"{notice.param}: {notice.message}" for notice in trail.notices)))
    return " ".join(parts)


def record(method: str, path: str, status: int | str, seconds: float, trail: Trail) -> dict[str, Any]:
    """Return the record that programs read; what is not known is left out.

    ``began_ms`` of an attempt counts from when the request came, its other times from its own beginning.
    """
    told: dict[str, Any] = {"event": "request", "id": trail.request_id, "method": word(method), "path": word(path)}
    told |= {"status": status, "broke": trail.broke, "ms": _ms(seconds), "owner": trail.owner or None}
    if trail.model:
        told |= {"asked": word(trail.wanted or trail.model), "model": word(trail.model), "stream": trail.streams}
        told["session"] = trail.session or None
        told |= {"attempts": trail.attempts, "queue_ms": _ms(trail.queue), "translate_ms": _ms(trail.translate)}
        told["first_ms"] = _ms(trail.first)
        told["tries"] = [_without_none(_told(attempt, trail)) for attempt in trail.tries]
    told["failures"] = [words(failure) for failure in trail.failures] or None
    told["notices"] = [
        {"param": word(notice.param), "message": words(notice.message)} for notice in trail.notices
    ] or None
    return _without_none(told)


def word(name: str) -> str:
    """Show a name as one word; what sets parts of a line apart is none of a word."""
    shown = "".join(letter if letter.isprintable() and letter not in " |[]" else "?" for letter in name[:WORD_LENGTH])
    return shown if len(name) <= WORD_LENGTH else shown + "…"


def words(text: str) -> str:
    """Show a sentence; ``|`` begins the next part of a line, so it is none of a sentence."""
    shown = "".join(letter if letter.isprintable() and letter != "|" else "?" for letter in text[:WORDS_LENGTH])
    return shown if len(text) <= WORDS_LENGTH else shown + "…"


def _route(trail: Trail) -> str:
    who = _name(trail.account) if trail.account is not None else "nobody"
    wanted, model = word(trail.wanted or trail.model), word(trail.model)
    return f"{wanted} -> {model} by {who} in {trail.attempts} attempt(s)"


def _try(attempt: Attempt) -> str:
    times = {name: _ms(seconds) for name, seconds in _times(attempt) if seconds is not None}
    took = "".join(f" {name}={milliseconds:g}ms" for name, milliseconds in times.items())
    return f"[{_name(attempt.account)} {attempt.verdict or 'running'}{' (trial)' * attempt.is_trial}{took}]"


def _beside(trail: Trail) -> Iterator[str]:
    if trail.owner.startswith("key:"):
        yield f"key={word(trail.owner.removeprefix('key:'))}"
    if not trail.tries:
        return
    yield f"queue={_ms(trail.queue):g}ms"
    yield f"translate={_ms(trail.translate):g}ms"
    counts = [attempt.usage for attempt in trail.tries if attempt.usage is not None]
    if counts:
        yield f"tokens={sum(usage.prompt for usage in counts)}+{sum(usage.completion for usage in counts)}"


def _told(attempt: Attempt, trail: Trail) -> dict[str, Any]:
    told: dict[str, Any] = {"account": _name(attempt.account), "why": attempt.why, "verdict": attempt.verdict or None}
    told |= {"trial": True if attempt.is_trial else None, "failure": words(attempt.failure) or None}
    told["began_ms"] = _ms(attempt.began - trail.began) if trail.began is not None else None
    told |= {f"{name}_ms": _ms(seconds) for name, seconds in _times(attempt)}
    if attempt.usage is not None:
        usage = attempt.usage
        told["tokens"] = {"prompt": usage.prompt, "cached": usage.cached}
        told["tokens"] |= {"completion": usage.completion, "reasoning": usage.reasoning}
    return told


def _times(attempt: Attempt) -> Iterator[tuple[str, float | None]]:
    yield "queue", attempt.queue or None
    yield "pick", attempt.pick
    yield "connect", attempt.connect
    yield "head", attempt.head
    yield "first", attempt.first
    yield "total", attempt.total


def _name(account: Account) -> str:
    return account.email or account.id


def _ms(seconds: float | None) -> Any:
    return None if seconds is None else round(seconds * 1000, 2)


def _without_none(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None}
