"""How a prompt becomes upstream calls. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Protocol

from attrs import evolve, field, frozen

from agd.conversation import Event, Finished, FinishReason, Notice, Prompt
from agd.errors import BadRequest
from agd.gemini.dialects import USUAL
from agd.gemini.models import Overrides
from agd.gemini.requests import Outgoing, write_request
from agd.options import Options
from agd.signatures.calls import without_signatures

MAX_CHOICES = 128
"""Most choices of one request, over all its prompts: each may be an upstream call of its own."""


class Translate(Protocol):
    """``gemini.requests.write_request`` for one model."""

    def __call__(self, prompt: Prompt, *, dialect: str) -> Outgoing:
        """Translate. Raises ``GatewayError``."""


@frozen
class Call:
    """One upstream call: ``prompt``, and in ``outgoing`` what ``translate`` makes of it in the plan's dialect."""

    prompt: Prompt
    outgoing: Outgoing
    translate: Translate
    dialect: str = USUAL
    _written: dict[str, Outgoing] = field(factory=dict, init=False, eq=False, repr=False)

    def written(self, dialect: str) -> Outgoing:
        """Return the request in a dialect: translated when it is first wanted, the same bytes ever after.

        Raises ``GatewayError`` for what that dialect cannot be asked.
        """
        if dialect == self.dialect:
            return self.outgoing
        found = self._written.get(dialect)
        if found is None:
            found = self._written[dialect] = self.translate(self.prompt, dialect=dialect)
        return found

    def without_signatures(self) -> Call | None:
        """Return the call with the provider's bypass in place of signatures (C10); None when that changes nothing."""
        prompt = without_signatures(self.prompt)
        outgoing = self.translate(prompt, dialect=self.dialect)
        if outgoing.body == self.outgoing.body:
            return None
        return Call(prompt, outgoing, self.translate, self.dialect)


@frozen
class Plan:
    """The calls of a request, each for ``choices_each`` choices, and the options that hold until it is answered."""

    prompt: Prompt
    calls: tuple[Call, ...]
    choices_each: int
    options: Options

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was carried out otherwise than asked when the calls were written."""
        return tuple(dict.fromkeys(notice for call in self.calls for notice in call.outgoing.notices))

    @property
    def stops(self) -> tuple[str, ...]:
        """Stop strings that the provider is not told."""
        return self.calls[0].outgoing.stops

    @property
    def first_call_only(self) -> bool:
        """Whether further tool calls of a choice are to be left out (B40)."""
        prompt = self.prompt
        truncates = prompt.parallel_tool_calls is False and self.options.parallel_tool_calls == "truncate"
        return truncates and bool(prompt.tools)

    @property
    def strips_fence(self) -> bool:
        """Whether a Markdown fence around the answer is to be taken off (D27)."""
        return self.options.strip_json_fence and self.prompt.output_format is not None

    @property
    def checked_schema(self) -> Mapping[str, Any] | None:
        """The schema that answers are checked against (D26), if they are: a strict one, where the options say so."""
        wanted = self.prompt.output_format
        if self.options.schema_violation == "ignore" or wanted is None or not wanted.strict:
            return None
        return wanted.schema


def make_plan(prompt: Prompt, model: str, options: Options, overrides: Overrides, dialect: str = USUAL) -> Plan:
    """Translate a prompt into the calls that answer it, in the dialect that will probably be wanted.

    Raises ``GatewayError``.
    """
    wanted = prompt.best_of or prompt.n
    conversations = (prompt.messages, *prompt.further)
    if wanted * len(conversations) > MAX_CHOICES:
        param = "best_of" if prompt.best_of else "n"
        raise BadRequest(f"At most {MAX_CHOICES} choices can be made for one request, all prompts together.", param)
    translate: Translate = partial(write_request, model=model, options=options, overrides=overrides)
    calls: list[Call] = []
    choices_each = wanted
    for messages in conversations:
        is_all = not prompt.further and wanted == prompt.n
        single = prompt if is_all else evolve(prompt, messages=messages, further=(), n=wanted)
        outgoing = translate(single, dialect=dialect)
        # A model that does not make so many at a time is not told a number: it is asked as often.
        choices_each = min(wanted, outgoing.candidates)
        calls += [Call(single, outgoing, translate, dialect)] * (wanted // choices_each)
    return Plan(prompt, tuple(calls), choices_each, options)


def silence(prompt: Prompt) -> Iterator[Event]:
    """Give the events of an answer in which nothing was to be generated (J04)."""
    for choice in range(prompt.n * (1 + len(prompt.further))):
        yield Finished(FinishReason.LENGTH, "MAX_TOKENS", choice)
