"""What the answer is to be made of: text or JSON, images, speech.

The format of the answer is said in ``responseMimeType`` with a schema. The provider marks these as old in favour of
``responseFormat``, which excludes them; everything known to be served takes them, so they alone are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Notice, OutputFormat, Prompt
from agd.errors import BadRequest
from agd.gemini.models import Family
from agd.gemini.schema import SchemaWriter
from agd.options import Options

_PCM = frozenset({"pcm", "pcm16", "wav"})


@define
class OutputWriter:
    """Writes the outputs of one request; ``notices`` collects what was done otherwise than asked."""

    _family: Family
    _schemas: SchemaWriter
    _options: Options
    notices: list[Notice] = field(factory=list)

    def write(self, prompt: Prompt, native: Mapping[str, Any], *, tools: bool) -> dict[str, Any]:
        """Return members of ``generationConfig``; ``native`` are those that the client wrote itself.

        Raises ``BadRequest`` for what the model cannot make, and for what is asked in two places.
        """
        modalities = self._modalities(prompt)
        config = {
            **self._format(prompt.output_format, tools=tools),
            "responseModalities": modalities,
            "imageConfig": self._image(prompt),
            "speechConfig": self._speech(prompt, modalities or []),
        }
        config = {key: value for key, value in config.items() if value is not None}
        for key in config.keys() & native.keys():
            raise BadRequest(f"{key} is asked for in two places.", f"extra_body.google.{key}")
        return config

    def _format(self, output: OutputFormat | None, *, tools: bool) -> dict[str, Any]:
        if output is None:
            return {}
        if tools and not self._family.json_with_tools:
            if self._options.json_with_tools == "reject":
                raise BadRequest("The model takes tools or JSON output, not both.", "response_format")
            self.notices.append(Notice("response_format", "dropped: the model does not take it beside tools"))
            return {}
        config: dict[str, Any] = {"responseMimeType": "application/json"}
        if output.kind == "json_object":
            return config
        param = "response_format.json_schema.schema"
        if output.schema is None:
            raise BadRequest("A json_schema format needs its schema.", param)
        return config | self._schemas.answer(_described(output, output.schema), param)

    def _modalities(self, prompt: Prompt) -> list[str] | None:
        """Return what the answer is made of. Text may be left out of it: other outputs are often all there is."""
        if not prompt.modalities:
            return None
        made = self._family.modalities
        asked = list(dict.fromkeys(prompt.modalities))
        kept = [each for each in asked if made is None or each in made]
        lost = [each for each in asked if each not in kept]
        if not kept or any(each != "text" for each in lost):
            param = prompt.image_output.asked_as if prompt.image_output and "image" in lost else "modalities"
            raise BadRequest(f"The model does not make {', '.join(lost)}.", param)
        if lost:
            self.notices.append(Notice("modalities", "text was left out: the model makes none"))
        return [each.upper() for each in kept]

    def _image(self, prompt: Prompt) -> dict[str, Any] | None:
        wish = prompt.image_output
        if wish is None:
            return None
        if self._family.modalities is not None and "image" not in self._family.modalities:
            self.notices.append(Notice("image_config", "ignored: the model makes no images"))
            return None
        config = {"aspectRatio": wish.aspect_ratio, "imageSize": wish.size}
        return {key: value for key, value in config.items() if value is not None} or None

    def _speech(self, prompt: Prompt, modalities: list[str]) -> dict[str, Any] | None:
        """Return the voice. The provider makes raw PCM, which is only ever put into a WAV file, never compressed."""
        speech = prompt.speech
        if speech is None:
            return None
        if "AUDIO" not in modalities:
            self.notices.append(Notice("audio", "ignored: modalities does not name audio"))
            return None
        if speech.format not in _PCM:
            raise BadRequest(f"Audio is made as pcm16 or wav, not as {speech.format!r}.", "audio.format")
        return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": speech.voice}}}


def _described(output: OutputFormat, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema with what the client says of the whole answer, unless the schema says something itself."""
    if not output.description or "description" in schema:
        return schema
    return {**schema, "description": output.description}
