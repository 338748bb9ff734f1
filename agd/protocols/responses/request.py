"""Reading a Responses request (OpenAI ``CreateResponse``, Open Responses ``CreateResponseBody``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from agd.conversation import CodeExecution, ImageOutput, Notice, Prompt, WebSearch
from agd.conversation.session import session_of, weightier
from agd.errors import BadRequest
from agd.options import DEFAULT, Options
from agd.protocols.fields import Fields, unsupported
from agd.protocols.parameters import leftovers, read_model, read_parallel, read_stream, read_tier, refuse_many
from agd.protocols.responses import parameters
from agd.protocols.responses.asked import KEY, Asked, asked_of
from agd.protocols.responses.choice import Choice, read_choice
from agd.protocols.responses.declarations import Declarations
from agd.protocols.responses.input import Conversation, read_conversation
from agd.protocols.responses.intake import normal
from agd.protocols.responses.past import NOTHING, Past
from agd.protocols.responses.repeated import repeated, words_of
from agd.protocols.responses.toolbox import Binding

Notices = list[Notice]

_NAMES = {
    "messages": "input",
    "response_format": "text.format",
    "response_format.json_schema": "text.format",
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "logprobs": "include",
}
"""What is called otherwise than in chat."""


def read(body: Mapping[str, Any], options: Options = DEFAULT, past: Past = NOTHING) -> Prompt:
    """Read a Responses request; ``past`` is what ``past.wanted`` said must be found.

    Raises ``BadRequest`` with ``param`` for what cannot be carried out, and ``GatewayError`` (404) for a reference to
    an item that is not in the past. ``Prompt.echo`` holds an ``Asked``.
    """
    fields, notices = Fields(body), Notices()
    manner = _read_manner(fields, notices)
    conversation = read_conversation(fields, options, past, notices)
    prompt = _prompt(fields, conversation, manner, options, notices)
    asked = _asked(prompt, fields, conversation, manner, notices)
    fields.mapping("client_metadata")
    fields.text("previous_response_id")  # what it names is the past
    session = weightier(past.session, prompt.session)
    return evolve(prompt, echo={KEY: asked}, notices=(*notices, *leftovers(fields)), session=session)


def read_alone(body: Mapping[str, Any], options: Options = DEFAULT) -> Prompt:
    """Read a Responses request that came to the chat route, where no answer is kept and every call is a function's."""
    if body.get("previous_response_id") is not None:
        raise _not_here("previous_response_id")
    prompt = read(body, options)
    asked = asked_of(prompt)
    bindings = asked.toolbox.bindings
    wishes = {
        "background": asked.background,
        "generate": not asked.generate,
        "input": asked.compacts,
        "tools": any(bindings[flat] != Binding("function", flat) for flat in bindings),
    }
    for key, wanted in wishes.items():
        if wanted:
            raise _not_here(key)
    return evolve(prompt, notices=(*prompt.notices, *_lost(body, asked)))


def _lost(body: Mapping[str, Any], asked: Asked) -> Iterator[Notice]:
    if body.get("store"):
        yield Notice("store", "ignored: this route keeps no answers")
    if asked.include - {parameters.LOGPROBS}:
        yield Notice("include", "ignored: this route gives probabilities only")


@frozen
class _Manner:
    """Who shall answer, and how the answer shall be made and told."""

    model: str
    keeping: parameters.Keeping
    include: frozenset[str]
    thinking: parameters.Thinking
    wording: parameters.Wording


def _read_manner(fields: Fields, notices: Notices) -> _Manner:
    model = read_model(fields)
    refuse_many(fields)
    parameters.refuse_foreign(fields)
    return _Manner(
        model,
        parameters.read_keeping(fields),
        parameters.read_include(fields, notices),
        parameters.read_thinking(fields, notices),
        parameters.read_text(fields, notices),
    )


def _prompt(fields: Fields, conversation: Conversation, manner: _Manner, options: Options, notices: Notices) -> Prompt:
    toolbox, declarations = conversation.toolbox, conversation.declarations
    choice = read_choice(fields, toolbox, frozenset(declarations.hosted), notices)
    stream, include_usage = read_stream(fields, notices)
    prompt = Prompt(
        model=manner.model,
        messages=conversation.messages,
        instructions=conversation.instructions,
        tools=toolbox.tools,
        tool_choice=choice.functions,
        sampling=parameters.read_sampling(fields, manner.include, notices),
        output_format=manner.wording.format,
        reasoning=manner.thinking.reasoning,
        parallel_tool_calls=read_parallel(fields, len(toolbox.tools), options.parallel_tool_calls, notices),
        service_tier=read_tier(fields, notices),
        stream=stream,
        include_usage=include_usage,
        session=session_of(fields.values),
        names=_NAMES,
    )
    return _with_hosted(prompt, declarations, choice)


def _with_hosted(prompt: Prompt, declarations: Declarations, choice: Choice) -> Prompt:
    """Ask for what shall run at the provider.

    Codex declares a web search with every request, beside its functions. On a model that does not take both it can do
    without, unless the request names the search in ``tool_choice``.
    """
    paths = {kind: path for kind, path in declarations.hosted.items() if kind in choice.hosted}
    if path := paths.get("web_search"):
        prompt = evolve(prompt, web_search=WebSearch(path, optional="web_search" not in choice.named))
    if path := paths.get("code_interpreter"):
        prompt = evolve(prompt, code_execution=CodeExecution(path))
    if path := paths.get("image_generation"):
        names = {**prompt.names, "modalities": path, "image_config": path}
        image = ImageOutput(asked_as=path)
        prompt = evolve(prompt, modalities=("text", "image"), image_output=image, names=names)
    return prompt


def _asked(prompt: Prompt, fields: Fields, conversation: Conversation, manner: _Manner, notices: Notices) -> Asked:
    truncation = parameters.read_truncation(fields)
    told = {
        "max_tool_calls": parameters.read_call_limit(fields, notices),
        "reasoning": {"effort": manner.thinking.reasoning.effort, "summary": manner.thinking.summary},
        "truncation": truncation,
        "metadata": parameters.read_metadata(fields),
        "background": manner.keeping.background,
        "store": manner.keeping.store,
    }
    return Asked(
        toolbox=conversation.toolbox,
        repeated=repeated(prompt) | told | words_of(fields, manner.wording),
        include=manner.include | ({parameters.LOGPROBS} if prompt.sampling.logprobs else set()),
        store=manner.keeping.store,
        background=manner.keeping.background,
        generate=manner.keeping.generate,
        truncation=truncation,
        code_items="code_interpreter" in conversation.declarations.hosted,
        compacts=conversation.compacts,
        items=tuple(map(normal, conversation.items)),
    )


def _not_here(key: str) -> BadRequest:
    return unsupported(key, "this is for /v1/responses; here answers are not kept and calls are functions'.")
