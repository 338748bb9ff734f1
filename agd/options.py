"""How translation behaves where PITFALLS leaves a choice: the table ``[translation]`` of the configuration.

A value of the ground floor, because both languages depend on it; the configuration builds it.
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen


@frozen
class Options:
    """Each field is a setting of ``[translation]`` under the same name; the defaults lose nothing in silence."""

    strict_parameters: bool = False
    """Every notice becomes a 400: a request is carried out exactly as written or not at all."""
    late_system: Literal["hoist", "inline"] = "hoist"
    """A01: system texts after the first turn join the instructions, or stay where they are as user words."""
    assistant_prefill: Literal["send", "reject"] = "send"
    """A05: a last turn that is the assistant's is sent as it is, or refused."""
    missing_tool_result: Literal["error", "synthesize"] = "error"
    """B09: a call without a result is refused, or gets ``{"error": "no result"}``."""
    orphan_tool_result: Literal["error", "text"] = "error"
    """B01: a result without its call is refused, or sent as words of the user."""
    message_names: Literal["ignore", "prefix"] = "ignore"
    """A19: ``name`` of a message is ignored with a notice, or put before its words."""
    parse_tool_results: bool = False
    """B10: a result that is a JSON object is sent as that object instead of as its text."""
    strict_tools: Literal["ignore", "validated"] = "validated"
    """B34: ``strict`` tools switch on the provider's validated mode where the model has it, or are ignored."""
    parallel_tool_calls: Literal["truncate", "ignore", "reject"] = "truncate"
    """B40: ``false`` keeps the first call of an answer only, is ignored with a notice, or is refused."""
    unsupported_tools: Literal["reject", "notice"] = "reject"
    """I22: a tool of a kind that cannot be used, in a Responses request, is refused, or left out with a notice."""
    native_tools_with_functions: Literal["reject", "drop"] = "reject"
    """B42: provider tools beside functions on a model that takes one kind only: refused, or dropped with a notice."""
    reasoning_field: Literal["reasoning_content", "both", "off"] = "reasoning_content"
    """C11: thoughts in chat as ``reasoning_content``, also as ``reasoning``, or not at all."""
    include_thoughts: bool = False
    """C14: ask for summaries of thoughts on every request of a thinking model."""
    json_with_tools: Literal["reject", "drop"] = "reject"
    """D23: JSON output beside tools on a model that cannot: refused, or the format is dropped with a notice."""
    schema_violation: Literal["ignore", "notice", "retry", "error"] = "ignore"
    """D26: what happens when a strict answer does not fit its schema; a stream can only note it in the log."""
    strip_json_fence: bool = False
    """D27: take one outer Markdown fence off an answer that was asked to be JSON."""
    schema_limit: int = 100_000
    """D21: most nodes a schema may have, all tools together."""
    many_stops: Literal["emulate", "reject"] = "emulate"
    """E02: stop strings beyond what the model takes are enforced by agd, or refused."""
    thinking_headroom: Literal["none", "add_budget", "raise_to_model_max"] = "none"
    """E06: whether ``max_tokens`` leaves room for thoughts."""
    excessive_max_tokens: Literal["clamp", "reject"] = "clamp"
    """E07: a limit above the model's is lowered with a notice, or refused."""
    unsupported_penalties: Literal["drop", "reject"] = "drop"
    """E15: penalties on a model that refuses them are dropped with a notice, or refused."""
    retry_malformed: int = 1
    """F05: how often a malformed answer is asked for again before the client is told."""
    retry_empty: int = 1
    """F06: how often an empty answer is asked for again before it is passed on with a notice."""
    blocked_prompt: Literal["refusal", "error"] = "refusal"
    """F07: a blocked prompt is an answer with a refusal, or a 400 ``content_policy_violation``."""
    images: Literal["field", "markdown"] = "field"
    """F15: images of an answer in ``message.images``, or as Markdown in its text."""
    code: Literal["markdown", "hidden"] = "markdown"
    """F17: code that the provider ran, in the text of a chat answer or not at all."""
    provider_details: bool = False
    """F39: safety ratings and the like in ``provider_details`` of a choice."""
    responses_choices: bool = True
    """I09: a plain Response has a chat answer's ``choices`` beside its own fields."""
    fetch_urls: bool = True
    """H01: https images and documents are fetched by agd; false: refused."""
    fetch_max_bytes: int = 20_971_520
    """H02, H08: most bytes of one fetched document."""
    fetch_seconds: float = 20.0
    """H02: longest time one fetch may take."""
    signature_entries: int = 10_000
    """C02: most thought signatures remembered for clients that do not give them back."""
    signature_seconds: float = 86_400.0
    """C02: how long they are remembered."""


DEFAULT = Options()
