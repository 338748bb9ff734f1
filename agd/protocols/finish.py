"""Why an answer ended. A finish is never invented: an answer without one is an error."""

from __future__ import annotations

from agd.conversation import Choice, FinishReason
from agd.errors import GatewayError


def unfinished() -> GatewayError:
    """The error for an answer that ended before the model had finished."""
    return GatewayError(
        502,
        "The upstream answer ended before the model had finished.",
        type="server_error",
        code="upstream_incomplete",
    )


def finish_of(choice: Choice) -> FinishReason:
    """Return why a folded choice ended; raises ``unfinished()`` when it did not."""
    if choice.reason is None:
        raise unfinished()
    return choice.reason
