"""Reading small Responses requests: what they come to, and what Gemini is sent for them."""

from __future__ import annotations

from typing import Any

from agd.conversation import Part, Prompt
from agd.encoding import decode
from agd.errors import BadRequest
from agd.gemini.requests import write_request
from agd.options import DEFAULT, Options
from agd.protocols.responses.past import NOTHING, Past
from agd.protocols.responses.request import read
from tests.protocols.refusals import refusal_of

NEW = "gemini-3-flash-preview"
OLD = "gemini-2.5-flash"


def prompt(*, past: Past = NOTHING, options: Options = DEFAULT, **fields: Any) -> Prompt:
    """Read a request with these fields; without ``input`` it says ``x``."""
    return read({"model": "m", "input": "x", **fields}, options, past)


def refused(*, past: Past = NOTHING, options: Options = DEFAULT, **fields: Any) -> BadRequest:
    """Return why a request with these fields is refused."""
    return refusal_of(lambda: prompt(past=past, options=options, **fields))


def parts(*items: Any, **fields: Any) -> list[Part]:
    """Return all parts of the turns that these input items come to."""
    return [part for message in prompt(input=list(items), **fields).messages for part in message.parts]


def told(read_prompt: Prompt) -> list[str]:
    """Return what a prompt's notices are about."""
    return [notice.param for notice in read_prompt.notices]


def sent(read_prompt: Prompt, model: str = NEW) -> dict[str, Any]:
    """Return the body that Gemini gets."""
    body: dict[str, Any] = decode(write_request(read_prompt, model).body)
    return body
