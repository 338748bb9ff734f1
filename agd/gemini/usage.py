"""Counting tokens: from ``usageMetadata``, told again and again while the model speaks, to one ``Usage``."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from agd.conversation import Usage

_COUNTS = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount")


@define
class UsageMeter:
    """The last value told of every field; a snapshot that leaves a field out does not erase it."""

    _fields: dict[str, Any] = field(factory=dict)

    def read(self, metadata: object) -> None:
        """Take one ``usageMetadata``; anything that is no object tells nothing."""
        if isinstance(metadata, dict):
            told = metadata.values()
            self._fields.update(
                {key: value for key, value in metadata.items() if value is not None} if None in told else metadata
            )

    def total(self) -> Usage | None:
        """Return the tokens of the whole answer, or None when no count was ever told.

        The provider counts thoughts beside the candidates and tool-use prompts beside the prompt; cached tokens are
        part of the prompt.
        """
        if not any(key in self._fields for key in _COUNTS):
            return None
        tool_use = self._count("toolUsePromptTokenCount")
        prompt = self._count("promptTokenCount") + tool_use
        thoughts = self._count("thoughtsTokenCount")
        completion = self._completion(prompt, thoughts)
        prompt_audio = self._audio("promptTokensDetails") + self._audio("toolUsePromptTokensDetails")
        return Usage(
            prompt=prompt,
            completion=completion,
            reasoning=thoughts,
            cached=min(self._count("cachedContentTokenCount"), prompt),
            tool_use=tool_use,
            prompt_audio=min(prompt_audio, prompt),
            completion_audio=min(self._audio("candidatesTokensDetails"), completion - thoughts),
        )

    def _completion(self, prompt: int, thoughts: int) -> int:
        """Add the thoughts, unless the total shows that the candidates' count includes them already."""
        candidates = self._count("candidatesTokenCount")
        inclusive = candidates >= thoughts and prompt + candidates == self._count("totalTokenCount")
        return candidates if inclusive else candidates + thoughts

    def _count(self, key: str) -> int:
        return _whole(self._fields.get(key))

    def _audio(self, key: str) -> int:
        details = self._fields.get(key)
        if not isinstance(details, list):
            return 0
        return sum(
            _whole(detail.get("tokenCount"))
            for detail in details
            if isinstance(detail, dict) and detail.get("modality") == "AUDIO"
        )


def _whole(value: object) -> int:
    """Return a count that is never negative; what is no number counts as nothing."""
    return max(0, int(value)) if isinstance(value, int | float) else 0
