"""Reading the provider's answer: payloads of ``GenerateContentResponse`` in, neutral events out.

One reader serves the stream and the plain reply, which is a stream of one payload. The end of a choice is told only
when the answer is over, for text, usage and finish reason come in any order and in different chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Event, Finished, FinishReason, RefusalDelta, UsageReport
from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.calls import CallIds, Calls
from agd.gemini.candidates import CandidateReader
from agd.gemini.failures import failure_within
from agd.gemini.messages import clean_message
from agd.gemini.usage import UsageMeter


@define
class AnswerReader:
    """One answer.

    ``mint_id`` gives an id for a call to which the provider gave none. ``names`` maps the names of tools as they were
    sent upstream to the client's own, where the two differ.
    """

    _mint_id: Callable[[], str]
    _names: Mapping[str, str] = field(factory=dict)
    _candidates: dict[int, CandidateReader] = field(factory=dict, init=False)
    _ids: CallIds = field(init=False)
    _usage: UsageMeter = field(factory=UsageMeter, init=False)
    _block: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._ids = CallIds(self._mint_id)

    def feed(self, payload: bytes) -> list[Event]:
        """Return the events of one JSON payload; none for one that carries only usage or metadata.

        Raises ``UpstreamFailure``: STATUS for an error object, MALFORMED for what is no ``GenerateContentResponse``.
        """
        events: list[Event] = []
        for chunk in _chunks(payload):
            events += self._read(chunk)
        return events

    def _read(self, chunk: dict[str, Any]) -> list[Event]:
        self._usage.read(chunk.get("usageMetadata"))
        events: list[Event] = []
        candidates = chunk.get("candidates")
        for candidate in candidates if isinstance(candidates, list) else ():
            if isinstance(candidate, dict):
                events += self._candidate(candidate.get("index")).read(candidate)
        return events + self._feedback(chunk.get("promptFeedback"))

    def _candidate(self, index: object) -> CandidateReader:
        """Return the reader of a candidate; proto JSON leaves out an index of 0."""
        choice = index if isinstance(index, int) else 0
        if choice not in self._candidates:
            self._candidates[choice] = CandidateReader(choice, Calls(choice, self._ids, self._names))
        return self._candidates[choice]

    def _feedback(self, feedback: Any) -> list[Event]:
        """Read a blocked prompt: told once, in words, when there is no candidate to say anything."""
        reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
        if not isinstance(reason, str) or self._block:
            return []
        self._block = reason
        if self._candidates:
            return []
        message = feedback.get("blockReasonMessage")
        words = clean_message(message) if isinstance(message, str) else ""
        return [RefusalDelta(f"The provider blocked the prompt: {reason}. {words}".rstrip())]

    def close(self) -> list[Event]:
        """Return ``Finished`` for every choice, after a refusal where one is due, then the usage if it is known.

        Raises ``UpstreamFailure``: EMPTY for an answer that said nothing at all, CUT for one that stopped before its
        end, MALFORMED for one whose end leaves nothing usable.
        """
        events: list[Event] = []
        for _, candidate in sorted(self._candidates.items()):
            events += candidate.finish(self._block)
        if not self._candidates:
            if not self._block:
                raise UpstreamFailure(FailureKind.EMPTY, "the answer held no candidate")
            events.append(Finished(FinishReason.CONTENT_FILTER, self._block))
        usage = self._usage.total()
        return events if usage is None else [*events, UsageReport(usage)]


def _chunks(payload: bytes) -> Iterator[dict[str, Any]]:
    """Yield the responses in a payload: bare, in a list, or in the envelope of Code Assist; errors are raised."""
    try:
        document = decode(payload)
    except InvalidJSON as error:
        raise _malformed(f"the answer is not JSON: {error}") from None
    for item in document if isinstance(document, list) and document else [document]:
        if not isinstance(item, dict):
            raise _malformed("the answer is not a JSON object")
        if (failure := failure_within(item)) is not None:
            raise failure
        inner = item.get("response")
        chunk = inner if isinstance(inner, dict) else item
        if chunk is inner and (failure := failure_within(chunk)) is not None:
            raise failure
        yield chunk


def _malformed(message: str) -> UpstreamFailure:
    return UpstreamFailure(FailureKind.MALFORMED, message)
