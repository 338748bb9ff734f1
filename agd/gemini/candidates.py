"""One candidate of an answer: its parts become events as they come, its end is judged when the answer is over."""

from __future__ import annotations

from typing import Any

from attrs import define

from agd.conversation import (
    CodePart,
    Event,
    Finished,
    FinishReason,
    MediaPart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
)
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.calls import Calls
from agd.gemini.finish import finish_reason
from agd.gemini.messages import clean_message


@define
class CandidateReader:
    """The state of one candidate over all chunks of its answer."""

    _choice: int
    _calls: Calls
    _spoke: bool = False
    _native: str = ""
    _message: str = ""

    def read(self, candidate: dict[str, Any]) -> list[Event]:
        """Return the events of every part of one chunk, in order; the finish reason is kept for the end."""
        self._native = _text(candidate.get("finishReason")) or self._native
        self._message = _text(candidate.get("finishMessage")) or self._message
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        events: list[Event] = []
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                events += self._part(part)
        return events

    def _part(self, part: dict[str, Any]) -> list[Event]:
        """Return one part's events; a kind that is not known, or meant for the provider alone, has none."""
        match part:
            case {"functionCall": dict() as call}:
                return self._calls.read(call, _text(part.get("thoughtSignature")) or None)
            case {"thought": True}:
                text = _text(part.get("text"))
                return [ThoughtDelta(text, self._choice)] if text else []
        output = self._output(part)
        self._spoke = self._spoke or bool(output)
        return output

    def _output(self, part: dict[str, Any]) -> list[Event]:
        match part:
            case {"text": str() as text} if text:
                return [TextDelta(text, self._choice)]
            case {"inlineData": {"data": str() as data, **more}}:
                return [MediaPart(_text(more.get("mimeType")) or "application/octet-stream", data, self._choice)]
            case {"executableCode": {"code": str() as code, **more}}:
                return [CodePart(code, _language(more.get("language")), choice=self._choice)]
            case {"codeExecutionResult": dict() as result}:
                return [CodePart(_text(result.get("output")), result=True, choice=self._choice)]
        return []

    def finish(self, blocked: str) -> list[Event]:
        """Return the candidate's last events. ``blocked`` is the prompt's block reason, told beside the candidate.

        Raises ``UpstreamFailure``: CUT without a finish reason, MALFORMED where the end leaves nothing usable.
        """
        native = self._native or blocked
        if not native:
            raise UpstreamFailure(FailureKind.CUT, "the answer ended without a finish reason")
        called = self._calls.count > 0
        reason = finish_reason(native, visible=self._spoke or called, called=called)
        if not self._native:
            reason = FinishReason.CONTENT_FILTER
        if reason is None or (reason in {FinishReason.STOP, FinishReason.TOOL_CALLS} and self._calls.unfinished):
            raise UpstreamFailure(FailureKind.MALFORMED, self._story("The model stopped with", native))
        events: list[Event] = []
        if reason is FinishReason.CONTENT_FILTER and not (self._spoke or called):
            events.append(RefusalDelta(self._story("The provider withheld the answer:", native), self._choice))
        return [*events, Finished(reason, native, self._choice)]

    def _story(self, what: str, native: str) -> str:
        message = clean_message(self._message)
        return f"{what} {native}. {message}".rstrip()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _language(value: object) -> str:
    """Return the language as code fences name it; the provider writes ``PYTHON``."""
    name = _text(value)
    return "" if name == "LANGUAGE_UNSPECIFIED" else name.lower()
