"""Writing a legacy completion (OpenAI ``CreateCompletionResponse``). Thoughts are hidden: it has no place for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Answer, Choice, FinishReason, Media, Prompt
from agd.protocols.chat.answer import blocked, extras
from agd.protocols.completions.echo import choices_of, preface
from agd.protocols.completions.logprobs import LogprobsWriter
from agd.protocols.completions.words import words_of
from agd.protocols.endpoint import Context
from agd.protocols.finish import finish_of
from agd.protocols.pictures import image_entry
from agd.protocols.usage import completion_usage


def render(answer: Answer, context: Context) -> dict[str, Any]:
    """Return the whole answer.

    Raises ``GatewayError``: 502 when a choice never finished, 400 for a blocked prompt where the options say so (F07).
    """
    choices = _choices(answer, context.prompt)
    refusals = [choice.refusal for choice in choices.values() if choice.refusal and not choice.parts]
    if context.options.blocked_prompt == "error" and refusals and len(refusals) == len(choices):
        raise blocked(refusals[0])
    rendered = completion(context, [_choice(index, choices[index], context) for index in sorted(choices)])
    if answer.usage is not None:
        rendered["usage"] = completion_usage(answer.usage)
    return rendered


def completion(context: Context, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the object that plain answers and streamed chunks share."""
    return {
        "id": f"cmpl-{context.token}",
        "object": "text_completion",
        "created": context.created,
        "model": context.prompt.model,
        "choices": choices,
    }


def piece(index: int, text: str) -> dict[str, Any]:
    """Return an entry of ``choices`` that is not yet finished."""
    return {"index": index, "text": text, "logprobs": None, "finish_reason": None}


def finish_word(reason: FinishReason) -> str:
    """Return the reason in this protocol's words, which know nothing of tools."""
    return "stop" if reason is FinishReason.TOOL_CALLS else reason.value


def logprobs_writer(prompt: Prompt, index: int) -> LogprobsWriter:
    """Return a writer for the tokens of choice ``index``, which stand behind its prompt where that is repeated."""
    return LogprobsWriter(len(preface(prompt, index)), prompt.sampling.top_logprobs or 0)


def _choices(answer: Answer, prompt: Prompt) -> Mapping[int, Choice]:
    """Where nothing was to be generated, every choice is there all the same, at its limit."""
    if not prompt.silent:
        return answer.choices
    return {index: Choice(reason=FinishReason.LENGTH) for index in range(choices_of(prompt))} | answer.choices


def _choice(index: int, choice: Choice, context: Context) -> dict[str, Any]:
    text = preface(context.prompt, index) + "".join(words_of(part, context.options) for part in choice.parts)
    rendered = {**piece(index, text), "finish_reason": finish_word(finish_of(choice))}
    if choice.logprobs:
        rendered["logprobs"] = logprobs_writer(context.prompt, index).write(choice.logprobs)
    if context.options.images == "field" and (images := _images(choice)):
        rendered["images"] = images
    if choice.refusal:
        rendered["refusal"] = choice.refusal
    return {**rendered, **extras(choice.native, choice.details, context)}


def _images(choice: Choice) -> list[dict[str, Any]]:
    images = [part for part in choice.parts if isinstance(part, Media)]
    return [image_entry(place, image.mime or "", image.data or "") for place, image in enumerate(images)]
