"""What each of the provider's ``finishReason`` values means (``Candidate.FinishReason``, v1beta, August 2026)."""

from __future__ import annotations

from agd.conversation import FinishReason

FILTERED = frozenset({
    "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
})  # fmt: skip
"""The provider withheld the answer, or the rest of it."""

MALFORMED = frozenset({
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
})  # fmt: skip
"""The model's output cannot be used: not an ending, but a failure."""


def finish_reason(native: str, *, visible: bool, called: bool) -> FinishReason | None:
    """Return why a choice ended, or None when it ended without anything usable.

    ``visible``: there was text, media, code or a call; ``called``: there was a call. A call in an answer that was cut
    or filtered is not to be run, so those reasons win over it. A value that is not known yet is read as OTHER.
    """
    if native == "MAX_TOKENS":
        return FinishReason.LENGTH
    if native in FILTERED:
        return FinishReason.CONTENT_FILTER
    if native in MALFORMED or (native != "STOP" and not visible):
        return None
    return FinishReason.TOOL_CALLS if called else FinishReason.STOP
