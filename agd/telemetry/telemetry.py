"""Whom the rooms tell of what happens. See ``gateway.Observer`` and ``web.site.AccessObserver``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import define, field

from agd.accounts.account import Account
from agd.accounts.verdict import Verdict
from agd.errors import UpstreamFailure
from agd.gateway import Attempt, Trail
from agd.telemetry.log import Log

if TYPE_CHECKING:
    from agd.telemetry.metrics import Metrics


@define(eq=False)
class Telemetry:
    """Passes on to the log, and to metrics once there are any. ``make_metrics`` is asked for them at most once."""

    log: Log
    make_metrics: Callable[[], Metrics]
    _metrics: Metrics | None = field(default=None, init=False)

    def metrics(self) -> Metrics:
        """Return the metrics. Counting begins when they are first asked for: they take memory, and time."""
        if self._metrics is None:
            self._metrics = self.make_metrics()
        return self._metrics

    def stop(self) -> None:
        """Measure nothing any more."""
        if self._metrics is not None:
            self._metrics.stop()

    def answered(self, method: str, path: str, status: int, seconds: float, trail: Trail) -> None:
        """An answer is complete, or its client left."""
        self.log.answered(method, path, status, seconds, trail)
        if self._metrics is not None:
            self._metrics.answered(method, path, status, seconds, trail)

    def ended(self, response_id: str, status: str, seconds: float, trail: Trail) -> None:
        """A response that ran in the background is over."""
        self.log.ended(response_id, status, seconds, trail)
        if self._metrics is not None:
            self._metrics.ended(status, seconds, trail)

    def attempted(self, trail: Trail, attempt: Attempt) -> None:
        """An account was given back."""
        if self._metrics is not None:
            self._metrics.attempted(trail, attempt)

    def failed(self, trail: Trail, account: Account, failure: UpstreamFailure, verdict: Verdict) -> None:
        """The line of the answer tells all failed attempts."""

    def punished(self, account: Account, model: str, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An account rests, is blocked for a model, or is disabled."""
        self.log.punished(account, model, failure, verdict)
