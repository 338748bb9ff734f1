"""The conversation, in the word of this API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agd.conversation import Prompt
from agd.errors import GatewayError
from agd.protocols.responses.asked import KEY

_NEUTRAL = "messages"
"""What the rooms that know no protocol call a conversation as a whole."""


@contextmanager
def named_as_written(prompt: Prompt) -> Iterator[None]:
    """Let an error about the conversation name the field that the client wrote: ``input``, or chat's ``messages``."""
    try:
        yield
    except GatewayError as error:
        if error.param == _NEUTRAL and KEY in prompt.echo:
            error.param = "input"
        raise
