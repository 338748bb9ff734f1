"""Sections C, D and E of PITFALLS, as far as they concern reading the parameters of a chat request."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import ImageOutput, OutputFormat, Reasoning, Sampling, Speech
from tests.protocols.chat.asking import F, ask, refused, told

_SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


class FormatTests(SynchronousTestCase):
    """Formats and reasoning."""

    def test_C14_summaries_when_asked(self) -> None:
        """Effort alone asks for no summary of thoughts, ``summary`` does."""
        self.assertEqual(ask(reasoning_effort="high").reasoning, Reasoning("high", summary=False))
        self.assertEqual(ask(reasoning={"summary": "auto"}).reasoning, Reasoning(None, summary=True))

    def test_C27_effort_as_object(self) -> None:
        """Effort may be an object, under either name."""
        for key in ("reasoning", "reasoning_effort"):
            self.assertEqual(ask(**{key: {"effort": "high", "summary": "auto"}}).reasoning, Reasoning("high", True))

    def test_D23_json_object(self) -> None:
        """JSON of any shape is asked for, with or without tools."""
        prompt = ask(response_format={"type": "json_object"}, tools=[F])
        self.assertEqual((prompt.output_format, len(prompt.tools)), (OutputFormat("json_object"), 1))

    def test_D24_json_schema(self) -> None:
        """A schema is carried on as it stands."""
        place = {"name": "n", "schema": _SCHEMA, "strict": True}
        prompt = ask(response_format={"type": "json_schema", "json_schema": place})
        self.assertEqual(prompt.output_format, OutputFormat("json_schema", _SCHEMA, "n", True))

    def test_D24_description(self) -> None:
        """What the client says of the answer's form is kept beside its schema."""
        place = {"name": "n", "schema": _SCHEMA, "description": "A sum."}
        prompt = ask(response_format={"type": "json_schema", "json_schema": place})
        self.assertEqual(prompt.output_format, OutputFormat("json_schema", _SCHEMA, "n", None, "A sum."))

    def test_E20_tiers(self) -> None:
        """A tier that the provider has is asked of it; one that it has not is told of, the usual one is nothing."""
        for asked, tier in (("flex", "flex"), ("priority", "priority"), ("fast", "priority"), ("auto", None)):
            prompt = ask(service_tier=asked)
            self.assertEqual((prompt.service_tier, prompt.notices), (tier, ()), asked)
        self.assertEqual(ask(service_tier="scale").service_tier, None)
        self.assertEqual(told(service_tier="scale"), ["service_tier"])
        self.assertEqual(refused(service_tier=1).param, "service_tier")

    def test_D25_no_schema(self) -> None:
        """A schema that is missing is refused; its wrapper is not taken for it."""
        error = refused(response_format={"type": "json_schema", "json_schema": {"name": "x"}})
        self.assertEqual(error.param, "response_format.json_schema.schema")


class SamplingTests(SynchronousTestCase):
    """How tokens are drawn and how many."""

    def test_E01_stop_as_string(self) -> None:
        """One stop is a list of one."""
        self.assertEqual(ask(stop="END").sampling.stop, ("END",))

    def test_E02_E04_many_stops(self) -> None:
        """All stops are kept, byte for byte."""
        stops = ["a", "b ", "\n", "Ö", "e", "f"]
        self.assertEqual(ask(stop=stops).sampling.stop, tuple(stops))

    def test_E03_empty_stops(self) -> None:
        """An empty stop is left out and told of, white space is a stop like any other."""
        self.assertEqual(ask(stop=["", " ", "a"]).sampling.stop, (" ", "a"))
        self.assertEqual((told(stop=""), told(stop=[])), (["stop"], []))

    def test_E05_two_limits(self) -> None:
        """The newer token limit wins; a differing older one is told of."""
        self.assertEqual(ask(max_tokens=5, max_completion_tokens=9).sampling.max_tokens, 9)
        self.assertEqual(told(max_tokens=5, max_completion_tokens=9), ["max_tokens"])
        self.assertEqual(told(max_tokens=9, max_completion_tokens=9), [])

    def test_E06_E07_limit_is_untouched(self) -> None:
        """A limit, however small or large, is read as it is."""
        for limit in (1, 10**9):
            self.assertEqual(ask(max_tokens=limit).sampling.max_tokens, limit)

    def test_E08_no_tokens(self) -> None:
        """Zero and less are refused, not taken for absent."""
        for limit in (0, -1):
            self.assertEqual(refused(max_tokens=limit).param, "max_tokens")
            self.assertEqual(refused(max_completion_tokens=limit).param, "max_completion_tokens")

    def test_E09_E10_many_choices(self) -> None:
        """Up to 128 choices are asked for, streamed or not."""
        self.assertEqual((ask(n=128).n, ask(n=2, stream=True).n), (128, 2))
        self.assertEqual(refused(n=129).param, "n")

    def test_E11_no_choices(self) -> None:
        """Null is one choice, zero is refused."""
        self.assertEqual((ask(n=None).n, ask().n, refused(n=0).param), (1, 1, "n"))

    def test_E12_null(self) -> None:
        """Null is absent."""
        self.assertEqual(ask(temperature=None, top_p=None, seed=None).sampling, Sampling())

    def test_E13_hot(self) -> None:
        """A temperature above 2 is refused, 2 is not."""
        self.assertEqual((ask(temperature=2).sampling.temperature, refused(temperature=2.1).param), (2, "temperature"))

    def test_E16_any_seed(self) -> None:
        """A seed of any size is read exactly."""
        self.assertEqual(ask(seed=-(2**70)).sampling.seed, -(2**70))

    def test_E17_logprobs(self) -> None:
        """Probabilities are asked for; alternatives without them, or too many, are refused."""
        sampling = ask(logprobs=True, top_logprobs=20).sampling
        self.assertEqual((sampling.logprobs, sampling.top_logprobs), (True, 20))
        self.assertEqual(ask(logprobs=True).sampling.top_logprobs, None)
        for fields in (
            {"top_logprobs": 2},
            {"logprobs": False, "top_logprobs": 0},
            {"logprobs": True, "top_logprobs": 21},
        ):
            self.assertEqual(refused(**fields).param, "top_logprobs")

    def test_E20_no_effect(self) -> None:
        """What has no effect here is told of by name."""
        for name, value in {"logit_bias": {"1": 1}, "verbosity": "low", "store": True, "user": "u"}.items():
            self.assertEqual(told(**{name: value}), [name])

    def test_E23_stream_options(self) -> None:
        """Stream options without a stream are refused."""
        self.assertEqual(refused(stream_options={"include_usage": True}).param, "stream_options")
        self.assertTrue(ask(stream=True, stream_options={"include_usage": True}).include_usage)

    def test_E24_strings_are_no_booleans(self) -> None:
        """A boolean in quotes is refused by name."""
        for name in ("stream", "logprobs", "parallel_tool_calls"):
            self.assertEqual(refused(**{name: "true"}).param, name)


class ExtensionTests(SynchronousTestCase):
    """What clients send beyond OpenAI's fields."""

    def test_E21_unknown(self) -> None:
        """A field that nobody knows is told of and goes nowhere."""
        self.assertEqual((told(mystery=1), ask(mystery=1).native), (["mystery"], {}))

    def test_E21_google(self) -> None:
        """The provider's own options are found at every place where clients put them, and are one mapping."""
        thinking = {"thinking_config": {"thinking_budget": 5}}
        for fields in ({"google": thinking}, {"extra_body": {"google": thinking}}):
            self.assertEqual((ask(**fields).native, ask(**fields).notices), (thinking, ()))
        config = {"generation_config": {"top_k": 3}}
        for place in (config, {"extra_body": config}):
            self.assertEqual(ask(**place).native, config)
        both = ask(google=thinking, extra_body={"google": {"labels": {"a": "b"}, "x": None}})
        self.assertEqual(both.native, {**thinking, "labels": {"a": "b"}})

    def test_E21_contradictions(self) -> None:
        """Two places that say different things are refused, equal ones are not; the rest is told of."""
        self.assertEqual(refused(google={"a": 1}, extra_body={"google": {"a": 2}}).param, "extra_body.google.a")
        self.assertEqual(ask(google={"a": 1}, extra_body={"google": {"a": 1}}).native, {"a": 1})
        self.assertEqual(told(extra_body={"x": 1}), ["extra_body.x"])
        self.assertEqual(refused(google=[]).param, "google")

    def test_E22_images(self) -> None:
        """Images are asked for, and how they shall be, in either spelling."""
        prompt = ask(modalities=["text", "image"], image_config={"aspect_ratio": "16:9", "image_size": "2K"}, top_k=3)
        self.assertEqual((prompt.modalities, prompt.image_output), (("text", "image"), ImageOutput("16:9", "2K")))
        self.assertEqual((prompt.sampling.top_k, prompt.notices), (3, ()))
        self.assertEqual(ask(image_config={"aspectRatio": "1:1"}).image_output, ImageOutput("1:1"))
        self.assertEqual((ask(image_config={}).image_output, told(image_config={"x": 1})), (None, ["image_config.x"]))
        self.assertEqual(refused(modalities=["text", "smell"]).param, "modalities[1]")

    def test_E22_sound(self) -> None:
        """Sound is asked for as the provider can give it; OpenAI's voices have stand-ins, which are told of."""
        audio = {"voice": "Zephyr", "format": "wav"}
        self.assertEqual(ask(modalities=["audio"], audio=audio).speech, Speech("Zephyr", "wav"))
        openai = ask(modalities=["text", "audio"], audio={"voice": "alloy", "format": "pcm16"}, stream=True)
        self.assertEqual(
            (openai.speech, [notice.param for notice in openai.notices]), (Speech("Kore", "pcm16"), ["audio.voice"])
        )
        self.assertEqual(told(audio=audio), ["audio"])

    def test_E22_sound_refusals(self) -> None:
        """Formats that need an encoder, a header in a stream, and voices of one's own are refused by name."""
        cases: list[tuple[dict[str, Any], str]] = [
            ({}, "audio"),
            ({"audio": {"voice": "Kore", "format": "mp3"}}, "audio.format"),
            ({"audio": {"voice": "Kore", "format": "tape"}}, "audio.format"),
            ({"audio": {"voice": "Kore"}}, "audio.format"),
            ({"audio": {"voice": "Kore", "format": "wav"}, "stream": True}, "audio.format"),
            ({"audio": {"voice": {"id": "v"}, "format": "wav"}}, "audio.voice"),
            ({"audio": {"format": "wav"}}, "audio.voice"),
        ]
        for fields, param in cases:
            with self.subTest(fields=fields):
                self.assertEqual(refused(modalities=["audio"], **fields).param, param)
