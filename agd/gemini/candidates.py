"""One candidate of an answer: its parts become events as they come, its end is judged when the answer is over."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from agd.conversation import (
    CodePart,
    Details,
    Event,
    Finished,
    FinishReason,
    LogProbs,
    MediaPart,
    OpaquePart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
)
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.calls import Calls
from agd.gemini.citations import Sources, grow
from agd.gemini.finish import finish_reason
from agd.gemini.logprobs import read_logprobs
from agd.gemini.messages import clean_message
from agd.gemini.visible import VisibleText

_STRUCTURE = frozenset({"content", "index"})
_KNOWN = frozenset({"text", "inlineData", "functionCall", "executableCode", "codeExecutionResult", "thought"})
_ENDINGS = frozenset({FinishReason.STOP, FinishReason.TOOL_CALLS})


@define
class CandidateReader:
    """The state of one candidate over all chunks of its answer."""

    _choice: int
    _calls: Calls
    _text: VisibleText = field(factory=VisibleText)
    _sources: Sources = field(factory=Sources)
    _details: dict[str, Any] = field(factory=dict)
    _spoke: bool = False
    _native: str = ""
    _message: str = ""

    def read(self, candidate: dict[str, Any], events: list[Event]) -> None:
        """Add the events of every part of one chunk, in order; what is told beside them is kept for the end."""
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        if isinstance(parts, list):
            first = True
            for part in parts:
                if isinstance(part, dict):
                    self._part(part, first, events)
                first = False
        for key, value in candidate.items():
            if key not in _STRUCTURE:
                self._note(key, value, events)

    def _note(self, key: str, value: object, events: list[Event]) -> None:
        """Take what stands beside the content of a chunk."""
        match key:
            case "finishReason":
                self._native = _text(value) or self._native
            case "finishMessage":
                self._message = _text(value) or self._message
            case "logprobsResult":
                if tokens := read_logprobs(value):
                    events.append(LogProbs(tokens, self._choice))
            case "groundingMetadata":
                self._sources.ground(value)
            case "citationMetadata":
                self._sources.recite(value)
            case "urlContextMetadata":
                grow(self._details.setdefault(key, {}), value)
            case _ if value is not None:
                self._details[key] = value

    def _part(self, part: dict[str, Any], first: bool, events: list[Event]) -> None:
        """Add one part's events; ``first`` in its chunk, it may continue the last part of the chunk before."""
        text = part.get("text")
        signature = _text(part.get("thoughtSignature")) or None
        call = part.get("functionCall")
        if isinstance(call, dict):
            self._text.pass_over("", first)
            events += self._calls.read(call, signature)
        elif part.get("thought") is True:
            self._text.pass_over("thought", first)
            if (words := _text(text)) or (signature and "inlineData" not in part):
                events.append(ThoughtDelta(words, self._choice, signature))
        elif isinstance(text, str) and (text or signature):
            self._spoke = self._spoke or text != ""
            self._text.say(text, first)
            events.append(TextDelta(text, self._choice, signature))
        else:
            self._text.pass_over("", first)
            self._show(part, signature, events)

    def _show(self, part: dict[str, Any], signature: str | None, events: list[Event]) -> None:
        """Add the event of a part without words: media and code are shown, what is not known is kept as it is."""
        match part:
            case {"inlineData": {"data": str() as data, **more}} if data:
                mime = _text(more.get("mimeType")) or "application/octet-stream"
                events.append(MediaPart(mime, data, self._choice, signature))
            case {"executableCode": {"code": str() as code, **more}}:
                language, run = _language(more.get("language")), _text(more.get("id"))
                events.append(CodePart(code, language, False, self._choice, signature, id=run))
            case {"codeExecutionResult": dict() as result}:
                printed, outcome = _text(result.get("output")), _outcome(result.get("outcome"))
                run = _text(result.get("id"))
                events.append(CodePart(printed, "", True, self._choice, signature, outcome, run))
            case _:
                self._keep(part, signature, events)
                return
        self._spoke = True

    def _keep(self, part: dict[str, Any], signature: str | None, events: list[Event]) -> None:
        """Keep a part of the provider's own, such as a server-side tool's call, or a signature that stands alone."""
        if any(key not in _KNOWN and isinstance(value, dict) for key, value in part.items()):
            events.append(OpaquePart(part, self._choice))
        elif signature and len(part) == 1:
            events.append(TextDelta("", self._choice, signature))

    def finish(self, blocked: str, beside: dict[str, Any]) -> list[Event]:
        """Return the candidate's last events: citations, details, a refusal where one is due, and ``Finished``.

        ``blocked`` is the prompt's block reason, and ``beside`` all that is told of the whole answer, if anything.
        Raises ``UpstreamFailure``: CUT without a finish reason, MALFORMED, with the provider's word for it as
        ``reason``, where the end leaves nothing usable.
        """
        native = self._native or blocked
        if not native:
            raise UpstreamFailure(FailureKind.CUT, "the answer ended without a finish reason")
        reason = self._reason(native)
        events: list[Event] = [*self._sources.citations(self._text, self._choice)]
        if details := self._told(beside):
            events.append(Details(details, self._choice))
        if reason is FinishReason.CONTENT_FILTER and not self._visible:
            events.append(RefusalDelta(self._story("The provider withheld the answer:", native), self._choice))
        return [*events, Finished(reason, native, self._choice, clean_message(self._message))]

    @property
    def _visible(self) -> bool:
        return self._spoke or self._calls.count > 0

    def _reason(self, native: str) -> FinishReason:
        if not self._native:
            return FinishReason.CONTENT_FILTER
        reason = finish_reason(native, visible=self._visible, called=self._calls.count > 0)
        if reason is None or (reason in _ENDINGS and self._calls.unfinished):
            story = self._story("The model stopped with", native)
            raise UpstreamFailure(FailureKind.MALFORMED, story, reason=native)
        return reason

    def _told(self, beside: dict[str, Any]) -> dict[str, Any]:
        """Gather the details: of the answer, of this candidate, and of its sources."""
        grounding = self._sources.grounding
        return {**beside, **self._details, **({"groundingMetadata": grounding} if grounding else {})}

    def _story(self, what: str, native: str) -> str:
        return f"{what} {native}. {clean_message(self._message)}".rstrip()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _language(value: object) -> str:
    """Return the language as code fences name it; the provider writes ``PYTHON``."""
    name = _text(value)
    return "" if name == "LANGUAGE_UNSPECIFIED" else name.lower()


def _outcome(value: object) -> str:
    """Return nothing for a good end, else the provider's word."""
    name = _text(value)
    return "" if name == "OUTCOME_OK" else name
