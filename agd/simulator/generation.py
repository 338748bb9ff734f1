"""Reading ``generationConfig``: https://ai.google.dev/api/generate-content#v1beta.GenerationConfig."""

from __future__ import annotations

from typing import Any

from agd.simulator.asked import Generation
from agd.simulator.catalogue import (
    always_thinks,
    budget_range,
    is_gemini_3,
    modalities,
    takes_budget,
    thinking_levels,
)
from agd.simulator.fields import array, boolean, integer, members, number, string, struct
from agd.simulator.rpc_status import Refused, invalid_argument
from agd.simulator.tools import check_subset

_RANGES = {
    "temperature": (0, 2),
    "topP": (0, 1),
    "presencePenalty": (-2, 2),
    "frequencyPenalty": (-2, 2),
}
_INTEGERS = ("seed", "topK", "candidateCount", "maxOutputTokens", "logprobs")
_MIMES = frozenset({"text/plain", "application/json", "text/x.enum"})


def read_generation(value: Any, model: str) -> Generation:
    """Read a generation config for one model; None is an empty one. Raises ``Refused``."""
    if value is None:
        return Generation()
    config = members(value, "GenerationConfig", "generation_config")
    _check_numbers(config, model)
    _check_logprobs(config, model)
    _check_modalities(config.get("responseModalities", []), model)
    mime, schema = _format(config)
    return Generation(
        max_tokens=config.get("maxOutputTokens"),
        stop=_stop(config.get("stopSequences", [])),
        mime=mime,
        schema=schema,
        thoughts=_thinking(config["thinkingConfig"], model) if "thinkingConfig" in config else False,
    )


def _check_numbers(config: dict[str, Any], model: str) -> None:
    for name, (low, high) in _RANGES.items():
        if name in config and not low <= number(config[name], f"generation_config.{name}") <= high:
            raise _config(name, f"{name} must be in the range [{low}, {high}].")
    for name in _INTEGERS:
        if name in config:
            integer(config[name], f"generation_config.{name}")
    if config.get("maxOutputTokens", 1) < 1:
        raise _config("max_output_tokens", "max_output_tokens must be positive.")
    if config.get("candidateCount", 1) != 1:
        raise invalid_argument(f"Multiple candidates is not enabled for models/{model}")
    if is_gemini_3(model) and {"presencePenalty", "frequencyPenalty"} & set(config):
        raise invalid_argument(f"Penalty is not enabled for models/{model}")


def _check_logprobs(config: dict[str, Any], model: str) -> None:
    wanted = boolean(config.get("responseLogprobs", False), "generation_config.response_logprobs")
    if wanted and model.startswith("gemini-3.5"):
        raise invalid_argument(f"Logprobs is not enabled for models/{model}")
    if "logprobs" in config and not wanted:
        raise _config("logprobs", "logprobs requires response_logprobs to be true.")
    if not 1 <= config.get("logprobs", 1) <= 20:
        raise invalid_argument(
            f"Unable to submit request because it has a logprobs value of {config['logprobs']} but the supported range "
            "is from 1 (inclusive) to 21 (exclusive)."
        )


def _check_modalities(value: Any, model: str) -> None:
    path = "generation_config.response_modalities"
    asked, made = [string(one, path).upper() for one in array(value, path)], modalities(model)
    if not set(asked) <= set(made):
        raise invalid_argument(
            f"The requested combination of response modalities ({', '.join(asked)}) is not supported by the model. "
            f"models/{model} accepts the following combination of response modalities:\n* {', '.join(made)}\n"
        )


def _stop(value: Any) -> tuple[str, ...]:
    path = "generation_config.stop_sequences"
    found = tuple(string(one, path) for one in array(value, path))
    if len(found) > 5:
        raise invalid_argument(
            f"Unable to submit request because it has {len(found)} stop sequences, but the supported range is from 1 "
            "(inclusive) to 6 (exclusive)."
        )
    if "" in found:
        raise _config("stop_sequences", "stop sequences must not be empty.")
    return found


def _format(config: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    mime = string(config.get("responseMimeType", "text/plain"), "generation_config.response_mime_type")
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if mime not in _MIMES:
        raise _config("response_mime_type", f"allowed mimetypes are {', '.join(sorted(_MIMES))}.")
    if len(schemas) > 1:
        raise _config("response_json_schema", "response_schema must not be set at the same time.")
    if schemas and mime == "text/plain":
        raise _config("response_mime_type", "must be application/json when a response schema is set.")
    if "responseSchema" in config:
        check_subset(config["responseSchema"], "generation_config.response_schema")
    return mime, struct(config[schemas[0]], "generation_config.response_json_schema") if schemas else None


def _thinking(value: Any, model: str) -> bool:
    path = "generation_config.thinking_config"
    config = members(value, "ThinkingConfig", path)
    if not takes_budget(model):
        raise invalid_argument(f"Thinking is not enabled for models/{model}")
    if "thinkingBudget" in config and "thinkingLevel" in config:
        raise invalid_argument("You can only set only one of thinking budget and thinking level.")
    if "thinkingLevel" in config:
        _check_level(string(config["thinkingLevel"], path + ".thinking_level").upper(), model)
    if "thinkingBudget" in config:
        _check_budget(integer(config["thinkingBudget"], path + ".thinking_budget"), model)
    return boolean(config.get("includeThoughts", False), path + ".include_thoughts")


def _check_level(level: str, model: str) -> None:
    levels = thinking_levels(model)
    if not levels:
        raise invalid_argument("Thinking level is not supported for this model.")
    if level not in levels:
        raise invalid_argument(f"Thinking level {level} is not supported for this model.")


def _check_budget(budget: int, model: str) -> None:
    least, most = budget_range(model)
    if budget == 0 and always_thinks(model):
        raise invalid_argument("Budget 0 is invalid. This model only works in thinking mode.")
    if budget not in {-1, 0} and not least <= budget <= most:
        raise invalid_argument(
            f"The thinking budget {budget} is invalid. Please choose a value between {least} and {most}."
        )


def _config(name: str, words: str) -> Refused:
    return invalid_argument(f"* GenerateContentRequest.generation_config.{name}: {words}\n")
