"""The models that the simulator serves, and what is known of each family's limits."""

from __future__ import annotations

from typing import Any

MODELS = (
    "gemini-2.0-flash",
    "gemini-2.0-flash-lite",
    "gemini-2.5-flash-lite",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-3-flash-preview",
    "gemini-3-pro-preview",
    "gemini-3.1-flash-lite",
    "gemini-3.1-flash-lite-preview",
    "gemini-3.1-pro-preview",
    "gemini-3.5-flash",
    "gemini-3.6-flash",
    "gemini-flash-latest",
    "gemini-pro-latest",
)
"""Names served when nothing else is said."""

_PAGE_LIMIT = 1000
_PAGE_DEFAULT = 50


def is_gemini_3(model: str) -> bool:
    """Tell whether a model is of the third family, as the latest ones are: signed calls, call ids, thinking levels."""
    return model.startswith("gemini-3") or model.endswith("-latest")


def thinking_levels(model: str) -> frozenset[str]:
    """Give the thinking levels a model takes; empty for families that think by budget or not at all."""
    if model.startswith("gemini-3-pro"):
        return frozenset({"LOW", "HIGH"})
    if is_gemini_3(model) and "-pro" in model:
        return frozenset({"LOW", "MEDIUM", "HIGH"})
    return frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH"}) if is_gemini_3(model) else frozenset()


def takes_budget(model: str) -> bool:
    """Tell whether a model takes ``thinkingBudget``. The third family still reads it, for compatibility."""
    return model.startswith("gemini-2.5") or is_gemini_3(model)


def budget_range(model: str) -> tuple[int, int]:
    """Give the least budget of a thinking model that is not 0, and the highest."""
    if model.startswith("gemini-2.5-flash"):
        return (512 if "lite" in model else 1), 24576
    return (128 if "-pro" in model else 1), 32768


def always_thinks(model: str) -> bool:
    """Tell whether a model refuses a thinking budget of 0."""
    return "-pro" in model


def modalities(model: str) -> tuple[str, ...]:
    """Give what a model's answers can be made of."""
    if "-tts" in model:
        return ("AUDIO",)
    return ("TEXT", "IMAGE") if "-image" in model else ("TEXT",)


def entry(model: str) -> dict[str, Any]:
    """Give one resource of ``models.list`` (https://ai.google.dev/api/models#Model)."""
    thinks = takes_budget(model)
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": " ".join(word.capitalize() for word in model.split("-")),
        "description": "Served by the simulator",
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536 if thinks else 8192,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
    } | ({"thinking": True} if thinks else {})


def page(models: tuple[str, ...], size: int | None, start: int) -> dict[str, Any]:
    """Give one page of ``models.list``; ``nextPageToken`` is absent on the last one."""
    end = start + min(size or _PAGE_DEFAULT, _PAGE_LIMIT)
    found: dict[str, Any] = {"models": [entry(model) for model in models[start:end]]}
    if end < len(models):
        found["nextPageToken"] = str(end)
    return found
