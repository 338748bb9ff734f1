"""Counting tokens."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Usage
from agd.gemini.usage import UsageMeter


def count(*snapshots: Any) -> Usage | None:
    """Read snapshots and return the total."""
    meter = UsageMeter()
    for snapshot in snapshots:
        meter.read(snapshot)
    return meter.total()


class UsageTests(SynchronousTestCase):
    """UsageMeter."""

    def test_F28_thoughts_are_completion(self) -> None:
        """Thoughts are added to the candidates, and the sum is the provider's total."""
        usage = count(
            {"promptTokenCount": 11, "candidatesTokenCount": 2, "thoughtsTokenCount": 291, "totalTokenCount": 304}
        )
        self.assertEqual(usage, Usage(prompt=11, completion=293, reasoning=291))
        assert usage is not None
        self.assertEqual(usage.total, 304)

    def test_F29_inclusive(self) -> None:
        """Thoughts that the candidates include already are not added again."""
        usage = count(
            {"promptTokenCount": 10, "candidatesTokenCount": 50, "thoughtsTokenCount": 30, "totalTokenCount": 60}
        )
        self.assertEqual(usage, Usage(prompt=10, completion=50, reasoning=30))

    def test_F30_tool_use(self) -> None:
        """Tokens of tool use are part of the prompt."""
        usage = count({
            "promptTokenCount": 32, "candidatesTokenCount": 20, "totalTokenCount": 4699,
            "toolUsePromptTokenCount": 4610, "thoughtsTokenCount": 37,
        })  # fmt: skip
        self.assertEqual(usage, Usage(prompt=4642, completion=57, reasoning=37, tool_use=4610))

    def test_F30_inclusive_with_tool_use(self) -> None:
        """Tokens of tool use count as prompt where the total shows that candidates include the thoughts (F29)."""
        usage = count({
            "promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 50, "thoughtsTokenCount": 30,
            "totalTokenCount": 65,
        })  # fmt: skip
        self.assertEqual(usage, Usage(prompt=15, completion=50, reasoning=30, tool_use=5))

    def test_F32_audio_of_tool_use(self) -> None:
        """Audio that tools read is audio of the prompt; other modalities are left to be the difference."""
        usage = count({
            "promptTokenCount": 10, "toolUsePromptTokenCount": 5,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 8}],
            "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}, {"modality": "VIDEO"}],
        })  # fmt: skip
        self.assertEqual(usage, Usage(prompt=15, tool_use=5, prompt_audio=7))

    def test_F31_F32_parts(self) -> None:
        """Cached and audio tokens are parts of the prompt, and never more than it."""
        usage = count({
            "promptTokenCount": 100, "cachedContentTokenCount": 90, "candidatesTokenCount": 5,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}, {"modality": "AUDIO", "tokenCount": 80}],
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}, None],
        })  # fmt: skip
        self.assertEqual(usage, Usage(prompt=100, completion=5, cached=90, prompt_audio=80, completion_audio=5))

    def test_F33_last_of_every_field(self) -> None:
        """A later snapshot replaces what it tells and leaves the rest."""
        usage = count(
            {"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 7},
            None,
            {"candidatesTokenCount": 9, "thoughtsTokenCount": None},
            {"trafficType": "ON_DEMAND"},
        )
        self.assertEqual(usage, Usage(prompt=5, completion=16, reasoning=7))

    def test_F34_unknown(self) -> None:
        """Without any count there is no usage."""
        self.assertIsNone(count(None, {}, {"trafficType": "ON_DEMAND"}))

    @given(
        st.dictionaries(
            st.sampled_from([
                "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount",
                "cachedContentTokenCount", "toolUsePromptTokenCount",
            ]),
            st.one_of(st.integers(-5, 50), st.none(), st.text(max_size=2)),
        )
    )  # fmt: skip
    def test_never_negative(self, snapshot: dict[str, Any]) -> None:
        """Whatever is told, no count is negative and no part is more than its whole."""
        usage = count(snapshot)
        if usage is not None:
            self.assertTrue(0 <= usage.cached <= usage.prompt)
            self.assertTrue(0 <= usage.tool_use <= usage.prompt)
            self.assertTrue(0 <= usage.reasoning <= usage.completion)
            self.assertTrue(0 <= usage.completion_audio <= usage.completion)
