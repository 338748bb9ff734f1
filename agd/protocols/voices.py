"""Voices of generated speech: what stands in for OpenAI's, which the provider does not have."""

from __future__ import annotations

from collections.abc import Mapping

VOICES: Mapping[str, str] = {
    "alloy": "Kore",
    "ash": "Orus",
    "ballad": "Umbriel",
    "cedar": "Iapetus",
    "coral": "Aoede",
    "echo": "Charon",
    "fable": "Puck",
    "marin": "Callirrhoe",
    "nova": "Leda",
    "onyx": "Algenib",
    "sage": "Sulafat",
    "shimmer": "Zephyr",
    "verse": "Fenrir",
}
"""OpenAI's voices and the provider's that are used for them. Other names are the provider's own and stay."""
