"""The names of a request's fields, as its client knows them.

Whoever translates a prompt further names its fields in chat's words: ``messages``, ``response_format``. In another
protocol the same fields have other names, and ``Prompt.names`` has them. What is told of a request passes through here
once, on its way back to the client.
"""

from __future__ import annotations

from attrs import evolve, frozen

from agd.conversation.prompt import Notice, Prompt
from agd.errors import GatewayError


def named(prompt: Prompt, param: str) -> str:
    """Return what the client calls a field, or what stands in a field that has another name."""
    for ours in sorted(prompt.names, key=len, reverse=True):
        rest = param.removeprefix(ours)
        if rest != param and rest[:1] in {"", ".", "["}:
            return prompt.names[ours] + rest
    return param


def named_notice(prompt: Prompt, notice: Notice) -> Notice:
    """Return a notice under the client's own name of the field."""
    param = named(prompt, notice.param)
    return notice if param == notice.param else evolve(notice, param=param)


@frozen
class naming:  # noqa: N801 - reads as what it does, like any context manager
    """Let errors that are raised within name fields as the client does."""

    _prompt: Prompt

    def __enter__(self) -> None:
        """Nothing has been raised yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Rename the field of an error."""
        if isinstance(error, GatewayError) and error.param is not None:
            error.param = named(self._prompt, error.param)
