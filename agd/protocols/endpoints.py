"""The three routes' languages, and the rule for bodies that came to the wrong one of two doors.

Some clients send a Responses body to the chat route, or chat messages to the Responses route. The body's own shape
decides how it is read, the route decides how it is answered. Each language is loaded with its first request: most
daemons are asked in one only, and idle memory is counted.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from agd.options import DEFAULT, Options
from agd.protocols.endpoint import Context, Endpoint, Language, StreamWriter
from agd.protocols.fields import unsupported

if TYPE_CHECKING:
    from agd.conversation import Answer, Prompt
    from agd.protocols.responses.past import Past


_OF_RESPONSES = ("previous_response_id", "background")
"""What a chat request cannot say, and what must not be ignored: the answer would be another one."""


@define(eq=False)
class Later:
    """An endpoint that is loaded when it is first asked."""

    _load: Callable[[], Endpoint]
    _loaded: Endpoint | None = None

    @property
    def language(self) -> Endpoint:
        """The endpoint itself."""
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def read(self, body: Mapping[str, Any], options: Options = DEFAULT, /) -> Prompt:
        """Read a request; see ``Endpoint``."""
        return self.language.read(body, options)

    def render(self, answer: Answer, context: Context, /) -> dict[str, Any]:
        """Return the object of a plain answer; see ``Endpoint``."""
        return self.language.render(answer, context)

    def stream(self, context: Context, /) -> StreamWriter:
        """Return a writer for a streamed answer; see ``Endpoint``."""
        return self.language.stream(context)


def _has(body: Mapping[str, Any], *keys: str) -> bool:
    return any(body.get(key) is not None for key in keys)


def _read_chat(body: Mapping[str, Any], options: Options = DEFAULT) -> Prompt:
    if not _has(body, "messages") and _has(body, "input", "instructions"):
        from agd.protocols.responses import request

        return request.read_alone(body, options)
    from agd.protocols.chat.request import read

    return read(body, options)


def _chat() -> Endpoint:
    from agd.protocols.chat import answer
    from agd.protocols.chat.stream import ChatStream

    return Language(_read_chat, answer.render, ChatStream)


def _completions() -> Endpoint:
    from agd.protocols.completions import answer, request
    from agd.protocols.completions.stream import CompletionStream

    return Language(request.read, answer.render, CompletionStream)


def read_responses(body: Mapping[str, Any], options: Options, past: Past) -> Prompt:
    """Read a request that came to the Responses route, with what it refers to. Raises ``GatewayError``."""
    if _has(body, "messages") and not _has(body, "input"):
        for key in _OF_RESPONSES:
            if body.get(key):
                raise unsupported(key, "it needs 'input' in the place of 'messages'.")
        return _read_chat(body, options)
    from agd.protocols.responses import request

    return request.read(body, options, past)


CHAT: Endpoint = Later(_chat)
"""``POST /v1/chat/completions``."""

COMPLETIONS: Endpoint = Later(_completions)
"""``POST /v1/completions``."""
