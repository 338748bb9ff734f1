"""The table ``[translation]``: how requests and answers are translated where more than one way is right.

It mirrors ``agd.options.Options``, which the translators know, field by field; a test keeps the two in step.
"""

from __future__ import annotations

from typing import Literal

from attrs import asdict, field, frozen

from agd.options import DEFAULT, Options
from agd.settings.kinds import Boolean, Choice, Integer, Seconds
from agd.settings.structure import setting


@frozen
class Translation:
    """How requests and answers are translated where more than one way is right."""

    strict_parameters: bool = field(
        default=DEFAULT.strict_parameters,
        metadata=setting(
            Boolean(), "Every notice becomes a 400: a request is carried out exactly as written or not at all."
        ),
    )
    late_system: Literal["hoist", "inline"] = field(
        default=DEFAULT.late_system,
        metadata=setting(
            Choice(("hoist", "inline")),
            "System texts after the first turn join the instructions, or stay where they are as user words.",
        ),
    )
    assistant_prefill: Literal["send", "reject"] = field(
        default=DEFAULT.assistant_prefill,
        metadata=setting(
            Choice(("send", "reject")), "A last turn that is the assistant's is sent as it is, or refused."
        ),
    )
    missing_tool_result: Literal["error", "synthesize"] = field(
        default=DEFAULT.missing_tool_result,
        metadata=setting(
            Choice(("error", "synthesize")), 'A call without a result is refused, or gets ``{"error": "no result"}``.'
        ),
    )
    orphan_tool_result: Literal["error", "text"] = field(
        default=DEFAULT.orphan_tool_result,
        metadata=setting(
            Choice(("error", "text")), "A result without its call is refused, or sent as words of the user."
        ),
    )
    message_names: Literal["ignore", "prefix"] = field(
        default=DEFAULT.message_names,
        metadata=setting(
            Choice(("ignore", "prefix")), "``name`` of a message is ignored with a notice, or put before its words."
        ),
    )
    parse_tool_results: bool = field(
        default=DEFAULT.parse_tool_results,
        metadata=setting(Boolean(), "A result that is a JSON object is sent as that object instead of as its text."),
    )
    strict_tools: Literal["ignore", "validated"] = field(
        default=DEFAULT.strict_tools,
        metadata=setting(
            Choice(("ignore", "validated")),
            "``strict`` tools switch on the provider's validated mode where the model has it, or are ignored.",
        ),
    )
    parallel_tool_calls: Literal["truncate", "ignore", "reject"] = field(
        default=DEFAULT.parallel_tool_calls,
        metadata=setting(
            Choice(("truncate", "ignore", "reject")),
            "``false`` keeps the first call of an answer only, is ignored with a notice, or is refused.",
        ),
    )
    unsupported_tools: Literal["reject", "notice"] = field(
        default=DEFAULT.unsupported_tools,
        metadata=setting(
            Choice(("reject", "notice")),
            "A tool of a kind that cannot be used, in a Responses request, is refused, or left out with a notice.",
        ),
    )
    native_tools_with_functions: Literal["reject", "drop"] = field(
        default=DEFAULT.native_tools_with_functions,
        metadata=setting(
            Choice(("reject", "drop")),
            "Provider tools beside functions on a model that takes one kind only: refused, or dropped with a notice.",
        ),
    )
    reasoning_field: Literal["reasoning_content", "both", "off"] = field(
        default=DEFAULT.reasoning_field,
        metadata=setting(
            Choice(("reasoning_content", "both", "off")),
            "Thoughts in chat as ``reasoning_content``, also as ``reasoning``, or not at all.",
        ),
    )
    include_thoughts: bool = field(
        default=DEFAULT.include_thoughts,
        metadata=setting(Boolean(), "Ask for summaries of thoughts on every request of a thinking model."),
    )
    json_with_tools: Literal["reject", "drop"] = field(
        default=DEFAULT.json_with_tools,
        metadata=setting(
            Choice(("reject", "drop")),
            "JSON output beside tools on a model that cannot: refused, or the format is dropped with a notice.",
        ),
    )
    schema_violation: Literal["ignore", "notice", "retry", "error"] = field(
        default=DEFAULT.schema_violation,
        metadata=setting(
            Choice(("ignore", "notice", "retry", "error")),
            "What happens when a strict answer does not fit its schema; a stream can only note it in the log.",
        ),
    )
    strip_json_fence: bool = field(
        default=DEFAULT.strip_json_fence,
        metadata=setting(Boolean(), "Take one outer Markdown fence off an answer that was asked to be JSON."),
    )
    schema_limit: int = field(
        default=DEFAULT.schema_limit,
        metadata=setting(Integer(1), "Most nodes a schema may have, all tools together."),
    )
    many_stops: Literal["emulate", "reject"] = field(
        default=DEFAULT.many_stops,
        metadata=setting(
            Choice(("emulate", "reject")), "Stop strings beyond what the model takes are enforced by agd, or refused."
        ),
    )
    thinking_headroom: Literal["none", "add_budget", "raise_to_model_max"] = field(
        default=DEFAULT.thinking_headroom,
        metadata=setting(
            Choice(("none", "add_budget", "raise_to_model_max")), "Whether ``max_tokens`` leaves room for thoughts."
        ),
    )
    excessive_max_tokens: Literal["clamp", "reject"] = field(
        default=DEFAULT.excessive_max_tokens,
        metadata=setting(
            Choice(("clamp", "reject")), "A limit above the model's is lowered with a notice, or refused."
        ),
    )
    unsupported_penalties: Literal["drop", "reject"] = field(
        default=DEFAULT.unsupported_penalties,
        metadata=setting(
            Choice(("drop", "reject")), "Penalties on a model that refuses them are dropped with a notice, or refused."
        ),
    )
    retry_malformed: int = field(
        default=DEFAULT.retry_malformed,
        metadata=setting(Integer(0, 5), "How often a malformed answer is asked for again before the client is told."),
    )
    retry_empty: int = field(
        default=DEFAULT.retry_empty,
        metadata=setting(
            Integer(0, 5), "How often an empty answer is asked for again before it is passed on with a notice."
        ),
    )
    blocked_prompt: Literal["refusal", "error"] = field(
        default=DEFAULT.blocked_prompt,
        metadata=setting(
            Choice(("refusal", "error")),
            "A blocked prompt is an answer with a refusal, or a 400 ``content_policy_violation``.",
        ),
    )
    images: Literal["field", "markdown"] = field(
        default=DEFAULT.images,
        metadata=setting(
            Choice(("field", "markdown")), "Images of an answer in ``message.images``, or as Markdown in its text."
        ),
    )
    code: Literal["markdown", "hidden"] = field(
        default=DEFAULT.code,
        metadata=setting(
            Choice(("markdown", "hidden")), "Code that the provider ran, in the text of a chat answer or not at all."
        ),
    )
    provider_details: bool = field(
        default=DEFAULT.provider_details,
        metadata=setting(Boolean(), "Safety ratings and the like in ``provider_details`` of a choice."),
    )
    responses_choices: bool = field(
        default=DEFAULT.responses_choices,
        metadata=setting(Boolean(), "A plain Response has a chat answer's ``choices`` beside its own fields."),
    )
    fetch_urls: bool = field(
        default=DEFAULT.fetch_urls,
        metadata=setting(Boolean(), "Https images and documents are fetched by agd; false: refused."),
    )
    fetch_max_bytes: int = field(
        default=DEFAULT.fetch_max_bytes,
        metadata=setting(Integer(1), "Most bytes of one fetched document."),
    )
    fetch_seconds: float = field(
        default=DEFAULT.fetch_seconds,
        metadata=setting(Seconds(), "Longest time one fetch may take."),
    )
    signature_entries: int = field(
        default=DEFAULT.signature_entries,
        metadata=setting(Integer(0), "Most thought signatures remembered for clients that do not give them back."),
    )
    signature_seconds: float = field(
        default=DEFAULT.signature_seconds,
        metadata=setting(Seconds(), "How long they are remembered."),
    )

    @property
    def options(self) -> Options:
        """The same as the translators take it."""
        return Options(**asdict(self))
