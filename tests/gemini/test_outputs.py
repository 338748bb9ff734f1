"""Formats, images and speech."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import ImageOutput, OutputFormat, Speech, Tool
from agd.errors import BadRequest
from agd.options import Options
from tests.gemini.asking import NEW, OLD, noticed, sent, user


def generation(to: str = OLD, **fields: Any) -> dict[str, Any] | None:
    """Return the generationConfig that is sent."""
    return sent(user("q"), to=to, **fields).get("generationConfig")


class FormatTests(SynchronousTestCase):
    """Output formats."""

    def test_D23_json_object(self) -> None:
        """Any JSON is a MIME type alone."""
        self.assertEqual(
            generation(output_format=OutputFormat("json_object")), {"responseMimeType": "application/json"}
        )

    def test_D24_json_schema(self) -> None:
        """A schema goes through the door that the model has."""
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
        asked = OutputFormat("json_schema", schema, "n", True)
        self.assertEqual(
            generation(output_format=asked), {"responseMimeType": "application/json", "responseJsonSchema": schema}
        )
        lowered = {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}, "propertyOrdering": ["a"]}
        self.assertEqual(
            generation(to="gemini-1.5-pro", output_format=asked),
            {"responseMimeType": "application/json", "responseSchema": lowered},
        )

    def test_D24_description(self) -> None:
        """What the client says of the answer stands in the schema, unless the schema says something itself."""
        for schema, told in (({"type": "object"}, "A sum."), ({"type": "object", "description": "Mine."}, "Mine.")):
            config = generation(output_format=OutputFormat("json_schema", schema, description="A sum."))
            self.assertEqual((config or {})["responseJsonSchema"]["description"], told)
            self.assertEqual(schema.get("description"), "Mine." if told == "Mine." else None)
        lowered = generation(
            to="gemini-1.5-pro", output_format=OutputFormat("json_schema", {"type": "object"}, description="A sum.")
        )
        self.assertEqual((lowered or {})["responseSchema"]["description"], "A sum.")

    def test_D25_no_schema(self) -> None:
        """A schema that is missing is refused."""
        error = self.assertRaises(BadRequest, generation, output_format=OutputFormat("json_schema", None, "n"))
        self.assertEqual(error.param, "response_format.json_schema.schema")

    def test_D23_with_tools(self) -> None:
        """JSON beside tools goes to models that take both; elsewhere it is refused, or dropped with a notice."""
        fields: dict[str, Any] = {"output_format": OutputFormat("json_object"), "tools": (Tool("f"),)}
        self.assertEqual(generation(to=NEW, **fields), {"responseMimeType": "application/json"})
        self.assertEqual(self.assertRaises(BadRequest, generation, **fields).param, "response_format")
        drop = Options(json_with_tools="drop")
        self.assertIsNone(generation(options=drop, **fields))
        self.assertEqual(noticed(user("q"), options=drop, **fields), ["response_format"])

    def test_D29_one_manner(self) -> None:
        """The format is said in one manner only, the one that excludes the other never appears."""
        for to in (OLD, NEW, "gemini-1.5-pro", "other"):
            config = generation(to=to, output_format=OutputFormat("json_schema", {"type": "string"}))
            self.assertNotIn("responseFormat", config or {})
            self.assertEqual(len(config or {}), 2)


class OutputTests(SynchronousTestCase):
    """Images and speech."""

    IMAGES = "gemini-2.5-flash-image"
    VOICES = "gemini-2.5-flash-preview-tts"

    def test_E22_modalities(self) -> None:
        """What the answer is made of is asked for; text may be left out with a notice, nothing else."""
        for to, asked, config in (
            (self.IMAGES, ("text", "image"), ["TEXT", "IMAGE"]),
            (self.VOICES, ("text", "audio"), ["AUDIO"]),
            ("other", ("text", "audio"), ["TEXT", "AUDIO"]),
            (OLD, ("text",), ["TEXT"]),
        ):
            self.assertEqual(generation(to=to, modalities=asked), {"responseModalities": config})
            self.assertEqual(noticed(user("q"), to=to, modalities=asked), ["modalities"] if to == self.VOICES else [])
        for asked in (("image",), ("text", "audio")):
            error = self.assertRaises(BadRequest, generation, modalities=asked)
            self.assertEqual(error.param, "modalities")

    def test_E22_images(self) -> None:
        """Shape and size of images are asked for where there are images."""
        wish = ImageOutput("16:9", "2K")
        self.assertEqual(
            generation(to=self.IMAGES, image_output=wish), {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}
        )
        self.assertEqual(
            generation(to="other", image_output=ImageOutput(size="1K")), {"imageConfig": {"imageSize": "1K"}}
        )
        self.assertIsNone(generation(to=self.IMAGES, image_output=ImageOutput()))
        self.assertIsNone(generation(image_output=wish))
        self.assertEqual(noticed(user("q"), image_output=wish), ["image_config"])

    def test_E22_speech(self) -> None:
        """A voice is asked for beside audio, in the raw format that the provider makes and no other."""
        fields: dict[str, Any] = {"to": self.VOICES, "modalities": ("audio",)}
        voice = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
        for kind in ("pcm16", "wav"):
            config = generation(speech=Speech("Kore", kind), **fields)
            self.assertEqual(config, {"responseModalities": ["AUDIO"], "speechConfig": voice})
        error = self.assertRaises(BadRequest, generation, speech=Speech("Kore", "mp3"), **fields)
        self.assertEqual(error.param, "audio.format")
        self.assertIsNone(generation(speech=Speech("Kore", "mp3")))
        self.assertEqual(noticed(user("q"), speech=Speech("Kore", "mp3")), ["audio"])
