"""What the answer to a Responses request needs beside the ``Prompt``; it travels in ``Prompt.echo``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from agd.conversation import Prompt
from agd.protocols.responses.parameters import LOGPROBS
from agd.protocols.responses.past import Item
from agd.protocols.responses.repeated import repeated
from agd.protocols.responses.toolbox import Toolbox

KEY = "responses"
"""The key of ``Prompt.echo`` that holds an ``Asked``."""


@frozen
class Asked:
    """The half of a Responses request that the model is not told."""

    toolbox: Toolbox = field(factory=Toolbox)
    repeated: Mapping[str, Any] = field(factory=dict)
    """What a Response object repeats of the request, in wire shape, complete and with OpenAI's defaults."""
    include: frozenset[str] = frozenset()
    """What the client wants told beside the answer (OpenAI ``IncludeEnum``); probabilities also when it counts them."""
    store: bool = True
    background: bool = False
    generate: bool = True
    """False: a warm-up, to which nothing is generated (Codex, over its WebSocket)."""
    truncation: Literal["auto", "disabled"] = "disabled"
    code_items: bool = False
    """Code that the provider ran is told as ``code_interpreter_call``, since such a tool was declared."""
    compacts: bool = False
    """The input ends with a ``compaction_trigger``: a summary is wanted, not an answer."""
    items: tuple[Item, ...] = ()
    """This request's own input in one form: every item has its type, every message an array of content.

    What the past holds already is left out, and an item that was referred to stands in its reference's place.
    """


def asked_of(prompt: Prompt) -> Asked:
    """Return what a Responses request asked; for a chat request answered on this route, what its prompt tells.

    Nothing of a chat request is stored: it has no items that could be referred to.
    """
    asked = prompt.echo.get(KEY)
    if isinstance(asked, Asked):
        return asked
    include = frozenset({LOGPROBS}) if prompt.sampling.logprobs else frozenset[str]()
    return Asked(toolbox=Toolbox(prompt.tools), repeated=repeated(prompt), include=include, store=False)
