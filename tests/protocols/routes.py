"""The Responses route as an endpoint like the others: what is read has no past, and nothing of an answer is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Answer, Prompt
from agd.options import DEFAULT, Options
from agd.protocols.endpoint import Context, Endpoint, Language
from agd.protocols.endpoints import read_responses
from agd.protocols.responses.answer import render, with_choices
from agd.protocols.responses.past import NOTHING
from tests.protocols.responses.writer import ResponseStream


def _read(body: Mapping[str, Any], options: Options = DEFAULT) -> Prompt:
    return read_responses(body, options, NOTHING)


def _render(answer: Answer, context: Context) -> dict[str, Any]:
    return with_choices(render(answer, context)[0], answer, context)


RESPONSES: Endpoint = Language(_read, _render, ResponseStream)
