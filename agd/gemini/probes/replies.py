"""What one answer of the provider tells about the question that was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen

from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.causes import account_refused
from agd.gemini.probes.questions import Question


@frozen
class Reply:
    """``unclear``: neither accepted nor refused for what was asked about. ``said``: the provider's words, fit to show.

    ``thoughts`` is how many tokens the model thought.
    """

    verdict: Literal["accepted", "refused", "unclear"]
    said: str = ""
    thoughts: int = 0

    @property
    def accepted(self) -> bool:
        """The model took it."""
        return self.verdict == "accepted"

    @property
    def refused(self) -> bool:
        """The model does not take it."""
        return self.verdict == "refused"


def read_answer(answer: Mapping[str, Any]) -> Reply:
    """Read a ``GenerateContentResponse``, which means that the request was accepted, whatever the answer holds."""
    usage = answer.get("usageMetadata")
    thoughts = usage.get("thoughtsTokenCount") if isinstance(usage, dict) else None
    return Reply("accepted", thoughts=thoughts if isinstance(thoughts, int) else 0)


def read_refusal(question: Question, failure: UpstreamFailure) -> Reply:
    """Read a failure. Only a 400 that speaks of what was asked about is a refusal of it."""
    about = failure.status == 400 and question.refusal.search(failure.message) is not None
    return Reply("refused" if about else "unclear", str(failure))


def ends_probe(failure: UpstreamFailure) -> bool:
    """Tell whether a failure means that this account need not be asked anything more now."""
    if failure.kind in {FailureKind.CONNECT, FailureKind.TIMEOUT}:
        return True
    return failure.status == 429 or account_refused(failure)
