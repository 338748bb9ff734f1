"""Reading the provider's answer: payloads of ``GenerateContentResponse`` in, neutral events out.

One reader serves the stream and the plain reply, which is a stream of one payload. The end of a choice is told only
when the answer is over, for text, usage and finish reason come in any order and in different chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Details, Event, Finished, FinishReason, RefusalDelta, Usage, UsageReport
from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.calls import CallIds, Calls
from agd.gemini.candidates import CandidateReader
from agd.gemini.failures import failure_within
from agd.gemini.messages import clean_message
from agd.gemini.usage import UsageMeter

_READ = frozenset({"candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId", "createTime"})


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
    _beside: dict[str, Any] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._ids = CallIds(self._mint_id)

    @property
    def usage(self) -> Usage | None:
        """The tokens told so far, None when none were: of an answer that breaks off nothing better is ever known."""
        return self._usage.total()

    def feed(self, payload: bytes) -> list[Event]:
        """Return the events of one JSON payload; none for one that carries only usage or metadata.

        Raises ``UpstreamFailure``: STATUS for an error object, MALFORMED for what is no ``GenerateContentResponse``.
        """
        try:
            document = decode(payload)
        except InvalidJSON as error:
            raise _malformed(f"the answer is not JSON: {error}") from None
        events: list[Event] = []
        for item in document if isinstance(document, list) and document else (document,):
            self._read(_opened(item), events)
        return events

    def _read(self, chunk: dict[str, Any], events: list[Event]) -> None:
        usage = chunk.get("usageMetadata")
        if usage is not None:
            self._usage.read(usage)
        candidates = chunk.get("candidates")
        if isinstance(candidates, list):
            for candidate in candidates:
                if isinstance(candidate, dict):
                    self._candidate(candidate.get("index")).read(candidate, events)
        for key, value in chunk.items():
            if key not in _READ:
                self._beside[key] = value
        if "promptFeedback" in chunk:
            self._feedback(chunk["promptFeedback"], events)

    def _candidate(self, index: object) -> CandidateReader:
        """Return the reader of a candidate; proto JSON leaves out an index of 0."""
        choice = index if isinstance(index, int) and index > 0 else 0
        reader = self._candidates.get(choice)
        if reader is None:
            calls = Calls(choice, self._ids, self._names)
            reader = self._candidates[choice] = CandidateReader(choice, calls)
        return reader

    def _feedback(self, feedback: Any, events: list[Event]) -> None:
        """Read what is said of the prompt. A block is told once, in words, when no candidate can say anything.

        Its ``Details`` come first, so that whoever wants an error instead of a refusal knows before the first word.
        """
        if not isinstance(feedback, dict) or self._block:
            return
        self._beside["promptFeedback"] = feedback
        reason = feedback.get("blockReason")
        if not isinstance(reason, str):
            return
        self._block = reason
        if not self._candidates:
            message = feedback.get("blockReasonMessage")
            words = clean_message(message) if isinstance(message, str) else ""
            events.append(Details({"promptFeedback": self._beside.pop("promptFeedback")}))
            events.append(RefusalDelta(f"The provider blocked the prompt: {reason}. {words}".rstrip()))

    def close(self) -> list[Event]:
        """Return how every choice ends, after what is told of its text, and then the usage if it is known.

        Raises ``UpstreamFailure``: EMPTY for an answer that said nothing at all, CUT for one that stopped before its
        end, MALFORMED for one whose end leaves nothing usable.
        """
        events: list[Event] = []
        for _, candidate in sorted(self._candidates.items()):
            events += candidate.finish(self._block, self._beside)
        if not self._candidates:
            events += self._nothing_but_a_block()
        usage = self._usage.total()
        return events if usage is None else [*events, UsageReport(usage)]

    def _nothing_but_a_block(self) -> list[Event]:
        if not self._block:
            raise UpstreamFailure(FailureKind.EMPTY, "the answer held no candidate")
        finished = Finished(FinishReason.CONTENT_FILTER, self._block)
        return [Details(self._beside), finished] if self._beside else [finished]


def _opened(item: object) -> dict[str, Any]:
    """Return the response in a document: bare, or in the envelope of Code Assist; an error is raised."""
    if not isinstance(item, dict):
        raise _malformed("the answer is not a JSON object")
    inner = item.get("response")
    for holder in (item, inner) if isinstance(inner, dict) else (item,):
        if "error" in holder and (failure := failure_within(holder)) is not None:
            raise failure
    return inner if isinstance(inner, dict) else item


def _malformed(message: str) -> UpstreamFailure:
    return UpstreamFailure(FailureKind.MALFORMED, message)
