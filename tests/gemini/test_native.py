"""The provider's own options."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import ImageOutput, Reasoning, Speech, Tool
from agd.errors import BadRequest
from agd.gemini.native import Native, read_native
from tests.gemini.asking import NEW, sent, user


class NativeTests(SynchronousTestCase):
    """read_native."""

    def test_nothing(self) -> None:
        """Nothing handed over is nothing sent."""
        self.assertEqual(read_native({}), Native())

    def test_E21_both_spellings(self) -> None:
        """Names in either spelling are sent in camelCase, inside too."""
        for options in (
            {"safety_settings": [{"category": "C", "threshold": "T"}], "speech_config": {"voice_config": {"a_b": 1}}},
            {"safetySettings": [{"category": "C", "threshold": "T"}], "speechConfig": {"voiceConfig": {"aB": 1}}},
        ):
            read = read_native(options)
            self.assertEqual(read.body, {"safetySettings": [{"category": "C", "threshold": "T"}]})
            self.assertEqual(read.generation, {"speechConfig": {"voiceConfig": {"aB": 1}}})

    def test_B39_camel_case_only(self) -> None:
        """What is sent has each field once, in camelCase, whatever the client wrote."""
        native = {
            "thinking_config": {"thinking_budget": 5, "include_thoughts": True},
            "tool_config": {"retrieval_config": {"lat_lng": {"latitude": 1.0}}},
            "generation_config": {"response_modalities": ["TEXT"], "image_config": {"aspect_ratio": "1:1"}},
            "cached_content": None,
            "labels": {"team_name": "a_b"},
        }
        body = sent(user("q"), native=native)
        self.assertEqual(body["toolConfig"], {"retrievalConfig": {"latLng": {"latitude": 1.0}}})
        self.assertEqual(
            body["generationConfig"],
            {
                "thinkingConfig": {"thinkingBudget": 5, "includeThoughts": True},
                "responseModalities": ["TEXT"],
                "imageConfig": {"aspectRatio": "1:1"},
            },
        )
        self.assertEqual(body["labels"], {"team_name": "a_b"})
        self.assertEqual(set(body), {"contents", "toolConfig", "generationConfig", "labels"})

    def test_E21_refused(self) -> None:
        """What is not on the list, of the wrong type or doubled is refused by the name the client wrote."""
        for options, param in (
            ({"system_instruction": {}}, "system_instruction"),
            ({"contents": []}, "contents"),
            ({"generation_config": {"temperature": 1}}, "generation_config.temperature"),
            ({"generation_config": 1}, "generation_config"),
            ({"cached_content": 5}, "cached_content"),
            ({"cached_content": "a", "cachedContent": "b"}, "cachedContent"),
            ({"thinking_config": {"thinking_budget": True}}, "thinking_config.thinking_budget"),
            ({"thinking_config": {"depth": 1}}, "thinking_config.depth"),
            ({"thinking_config": {"thinking_budget": 1, "thinking_level": "low"}}, "thinking_config"),
            ({"tools": [{"function_declarations": []}]}, "tools[0].function_declarations"),
            ({"tools": [{}, 1]}, "tools[1]"),
            ({"image_config": {}, "generation_config": {"imageConfig": {}}}, "generation_config"),
        ):
            error = self.assertRaises(BadRequest, read_native, options)
            self.assertEqual(error.param, f"extra_body.google.{param}")

    def test_C21_thinking(self) -> None:
        """The client's own thinking settings are sent as they are, and exclude an effort."""
        native = {"thinking_config": {"thinkingLevel": "low"}}
        self.assertEqual(self.thinking(native), {"thinkingLevel": "LOW"})
        self.assertEqual(self.thinking(native, summary=True), {"includeThoughts": True, "thinkingLevel": "LOW"})
        error = self.assertRaises(BadRequest, self.thinking, native, effort="low")
        self.assertEqual(error.param, "extra_body.google.thinking_config")

    def thinking(self, native: dict[str, Any], effort: str | None = None, summary: bool = False) -> Any:
        """Return the thinkingConfig that is sent."""
        body = sent(user("q"), to=NEW, native=native, reasoning=Reasoning(effort, summary))
        return body["generationConfig"]["thinkingConfig"]

    def test_E22_asked_twice(self) -> None:
        """An output that is asked for in OpenAI's way and in the provider's is refused."""
        for native, fields in (
            ({"image_config": {}}, {"image_output": ImageOutput("1:1")}),
            ({"response_modalities": ["TEXT"]}, {"modalities": ("text",)}),
            ({"speech_config": {}}, {"modalities": ("audio",), "speech": Speech("Kore", "wav")}),
        ):
            error = self.assertRaises(BadRequest, sent, user("q"), to="other", native=native, **fields)
            self.assertRegex(str(error.param), r"^extra_body\.google\.")

    def test_E25_cached_content(self) -> None:
        """Cached content goes with contents alone: instructions and tools beside it are refused."""
        native = {"cached_content": "cachedContents/1"}
        self.assertEqual(sent(user("q"), native=native)["cachedContent"], "cachedContents/1")
        for fields in ({"instructions": ("a",)}, {"tools": (Tool("f"),)}):
            error = self.assertRaises(BadRequest, sent, user("q"), native=native, **fields)
            self.assertEqual(error.param, "extra_body.google.cached_content")
