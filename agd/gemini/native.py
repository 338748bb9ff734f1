"""The provider's own options, which a client hands over in ``extra_body.google``.

Only what OpenAI's protocols have no field for passes, by allow-list: names in ``snake_case`` or ``camelCase``, sent in
camelCase (https://ai.google.dev/api/generate-content#request-body). Whatever else is there is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from agd.errors import BadRequest

_PLACE = "extra_body.google"
_BODY: Mapping[str, type] = {"safetySettings": list, "cachedContent": str, "labels": dict, "modelArmorConfig": dict}
_GENERATION: Mapping[str, type] = {
    "mediaResolution": str,
    "responseModalities": list,
    "imageConfig": dict,
    "speechConfig": dict,
    "audioTimestamp": bool,
    "enableEnhancedCivicAnswers": bool,
    "thinkingConfig": dict,
}
_THINKING: Mapping[str, type] = {"thinkingBudget": int, "thinkingLevel": str, "includeThoughts": bool}
_TOOLS: Mapping[str, type] = dict.fromkeys(
    ("googleSearch", "googleSearchRetrieval", "urlContext", "codeExecution", "googleMaps", "fileSearch"), dict
)
_OWN: Mapping[str, type] = {"generationConfig": dict, "tools": list, "toolConfig": dict}
_VERBATIM = frozenset({"labels", "thinkingConfig", *_OWN})
"""Whose members are names of the client's, or are read one by one themselves."""
_UNDERLINE = re.compile(r"_([a-z0-9])")


@frozen
class Native:
    """What was handed over, by the place it is sent to, all names in camelCase."""

    body: Mapping[str, Any] = field(factory=dict)
    generation: Mapping[str, Any] = field(factory=dict)
    """Members of ``generationConfig``, ``thinkingConfig`` apart."""
    thinking: Mapping[str, Any] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    """Each of one kind, such as ``{"googleSearch": {}}``."""
    retrieval: Mapping[str, Any] | None = None
    """``toolConfig.retrievalConfig``."""


def read_native(options: Mapping[str, Any]) -> Native:
    """Read the options of one request.

    Raises ``BadRequest``, ``param`` naming the option as the client wrote it, for one that does not exist here, is of
    the wrong type, or is given twice.
    """
    if not options:
        return Native()
    given = _members(options, {**_BODY, **_GENERATION, **_OWN}, _PLACE)
    nested = _members(given.pop("generationConfig", {}), _GENERATION, f"{_PLACE}.generation_config")
    for twice in nested.keys() & given.keys():
        raise BadRequest(f"{twice} is given twice.", f"{_PLACE}.generation_config")
    given |= nested
    thinking = given.pop("thinkingConfig", None)
    config = _members(given.pop("toolConfig", {}), {"retrievalConfig": dict}, f"{_PLACE}.tool_config")
    return Native(
        {key: given[key] for key in _BODY if key in given},
        {key: given[key] for key in _GENERATION if key in given},
        None if thinking is None else _thinking(thinking),
        tuple(tool for index, entry in enumerate(given.get("tools", ())) for tool in _tools(entry, index)),
        config.get("retrievalConfig"),
    )


def _thinking(config: Any) -> dict[str, Any]:
    place = f"{_PLACE}.thinking_config"
    thinking = _members(config, _THINKING, place)
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise BadRequest("thinking_budget and thinking_level exclude each other.", place)
    if "thinkingLevel" in thinking:
        thinking["thinkingLevel"] = thinking["thinkingLevel"].upper()
    return thinking


def _tools(entry: Any, index: int) -> list[dict[str, Any]]:
    """Return one tool for every kind in an entry; the provider wants them apart."""
    return [{kind: value} for kind, value in _members(entry, _TOOLS, f"{_PLACE}.tools[{index}]").items()]


def _members(value: Any, kinds: Mapping[str, type], place: str) -> dict[str, Any]:
    """Return the members of an object under their names in camelCase; null is absent."""
    if not isinstance(value, Mapping):
        raise BadRequest(f"{place} must be an object.", place)
    members: dict[str, Any] = {}
    for key, member in value.items():
        name, param = _camel(key), f"{place}.{key[:80]}"
        if name not in kinds:
            raise BadRequest(f"{param} is not an option that is passed on; there are {', '.join(kinds)}.", param)
        if name in members:
            raise BadRequest(f"{name} is given twice.", param)
        if member is None:
            continue
        if not isinstance(member, kinds[name]) or (kinds[name] is int and isinstance(member, bool)):
            raise BadRequest(f"{param} must be of type {kinds[name].__name__}.", param)
        members[name] = member if name in _VERBATIM else _camelled(member)
    return members


def _camelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel(key): _camelled(member) for key, member in value.items()}
    return [_camelled(member) for member in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    return _UNDERLINE.sub(lambda found: found[1].upper(), name)
