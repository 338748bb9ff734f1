"""What a client is told of its request, under its own name of each field."""

from __future__ import annotations

from agd.conversation import Notice, Prompt
from agd.conversation.names import named_notice
from agd.gateway.trail import Trail


def tell(trail: Trail, prompt: Prompt, notice: Notice) -> None:
    """Note what became of a prompt, under the client's own name of the field."""
    trail.note([named_notice(prompt, notice)])
