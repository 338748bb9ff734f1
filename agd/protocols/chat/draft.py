"""The message of one choice while it grows: what each part of an answer means to a chat client.

A stream sends what the draft returns, a plain answer joins it, so the two cannot differ (G26).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from agd.conversation import (
    Citation,
    Code,
    CodePart,
    Media,
    MediaPart,
    Opaque,
    OpaquePart,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
)
from agd.protocols.chat.memory import Memory
from agd.protocols.chat.request import LEGACY
from agd.protocols.chat.sound import Sound
from agd.protocols.endpoint import Context
from agd.protocols.markdown import fenced
from agd.protocols.pictures import image_entry, pictured
from agd.protocols.visible import Visible

Delta = dict[str, Any]
"""Keys of a message; absent keys say nothing (F13)."""


@define
class Draft:
    """One choice's message. Each part of the answer is shown once, in order; ``end`` comes last."""

    index: int
    context: Context
    _visible: Visible = field(factory=Visible)
    _memory: Memory = field(factory=Memory)
    _sound: Sound = field(factory=Sound)
    _words: list[str] = field(factory=list)
    _citations: list[Citation] = field(factory=list)
    _images: int = 0
    _calls: int = 0

    def show(self, part: Any) -> Delta:
        """Return what a part, or an event that holds one, adds to the message; calls and ends are not for here."""
        return _SHOWS[type(part)](self, part)

    def text(self, part: Text | TextDelta) -> Delta:
        """Show words."""
        self._visible.text(part.text)
        self._memory.text(len(part.text), part.signature, said=part.text != "")
        return self._content(part.text)

    def code(self, part: Code | CodePart) -> Delta:
        """Show code that ran at the provider, in its place among the words, or hide it (F17)."""
        block = "" if self.context.options.code == "hidden" else fenced(part)
        self._memory.code(part, len(block))
        return self._block(block)

    def thought(self, part: Thought | ThoughtDelta) -> Delta:
        """Show thoughts under the names that the options ask for (C11)."""
        self._memory.thought(part.text, part.signature)
        names = self.context.options.reasoning_field
        if not part.text or names == "off":
            return {}
        shown = {"reasoning_content": part.text}
        return {**shown, "reasoning": part.text} if names == "both" else shown

    def media(self, part: Media | MediaPart) -> Delta:
        """Show an image, as an entry of ``images`` or in the text (F15), or a sound."""
        mime, data = part.mime or "", part.data or ""
        if mime.startswith("audio/"):
            return self._audio(data)
        if self.context.options.images == "markdown":
            picture = pictured(mime, data)
            self._memory.text(len(picture))
            return self._block(picture)
        self._memory.image(part.signature)
        self._images += 1
        return {"images": [image_entry(self._images - 1, mime, data, part.signature)]}

    def opaque(self, part: Opaque | OpaquePart) -> Delta:
        """Keep the provider's own part for the end."""
        self._memory.opaque(part.data)
        return {}

    def cite(self, citation: Citation) -> Delta:
        """Keep a source for the end, when all text that it may refer to is known."""
        self._citations.append(citation)
        return {}

    def call(self, signature: str | None) -> bool:
        """Take a call; returns whether it is shown: the old protocol has room for one only (B40).

        A client answers that call and is given the next one.
        """
        self._calls += 1
        if self._calls > 1 and LEGACY in self.context.prompt.echo:
            return False
        self._memory.call(signature)
        return True

    def end(self) -> Delta:
        """Return what is known only at the end: the sound's last bytes, sources, the provider's state.

        These come in one delta, because clients that add up deltas join equal keys: a signature in two of them
        would become one broken signature.
        """
        closing: Delta = {}
        if self._sound.begun:
            words = "".join(self._words)
            closing["audio"] = {"data": self._sound.end(), "expires_at": self.context.created, "transcript": words}
        if self._citations:
            closing["annotations"] = [self._annotation(citation) for citation in self._citations]
        if (extension := self._memory.extension()) is not None:
            closing["extra_content"] = extension
        return closing

    def _block(self, markdown: str) -> Delta:
        self._visible.block(markdown)
        return self._content(markdown)

    def _content(self, shown: str) -> Delta:
        if not shown:
            return {}
        if self.context.prompt.speech is not None:
            self._words.append(shown)
        return {"content": shown}

    def _annotation(self, citation: Citation) -> Delta:
        """Write OpenAI's ``url_citation``; a document of the user's own, which has no address, has an empty one."""
        start, end = self._visible.place(citation.start, citation.end)
        words = {"start_index": start, "end_index": end, "url": citation.uri, "title": citation.title}
        return {"type": "url_citation", "url_citation": words}

    def _audio(self, data: str) -> Delta:
        # Not stored, so nothing can refer to it: it "expires" (see ``end``) at once.
        head = {} if self._sound.begun else {"id": f"audio_{self.context.token}_{self.index}"}
        return {"audio": {**head, "data": self._sound.feed(data)}}


_SHOWS: dict[type, Callable[[Draft, Any], Delta]] = {
    Text: Draft.text,
    TextDelta: Draft.text,
    Thought: Draft.thought,
    ThoughtDelta: Draft.thought,
    Code: Draft.code,
    CodePart: Draft.code,
    Media: Draft.media,
    MediaPart: Draft.media,
    Opaque: Draft.opaque,
    OpaquePart: Draft.opaque,
    Citation: Draft.cite,
}
