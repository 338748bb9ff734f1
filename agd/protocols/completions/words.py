"""What a reader of a legacy completion sees: one text, in which code and, if so set, images have their place."""

from __future__ import annotations

from agd.conversation import Code, CodePart, Media, MediaPart, Text, TextDelta
from agd.options import Options
from agd.protocols.markdown import fenced
from agd.protocols.pictures import pictured


def words_of(part: object, options: Options) -> str:
    """Return a part of an answer, or an event, as text; empty for what is hidden or stands elsewhere."""
    match part:
        case Text(text=text) | TextDelta(text=text):
            return text
        case (Code() | CodePart()) as code if options.code == "markdown":
            return fenced(code)
        case Media(mime=mime, data=data) | MediaPart(mime=mime, data=data) if options.images == "markdown":
            return pictured(mime or "", data or "")
        case _:
            return ""
