"""Metrics in Prometheus' text format. Imported only where somebody wants them: the library is large.

Labels are bounded: routes and classes of status are fixed, models are those that the catalogue knows, accounts and
client keys those that an operator has set up.
"""

from __future__ import annotations

from attrs import define, field
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from agd.conversation import Usage
from agd.gateway import Attempt, Trail
from agd.telemetry.gauges import Gauges, Present
from agd.telemetry.labels import LEFT, OTHER, Bounded, route, status_class
from agd.telemetry.lag import Lag

MOST_KEYS = 1000
MOST_ACCOUNTS = 20_000
"""Accounts that come and go over the life of a daemon."""
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
GAPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

_ENDED = {"completed": "2xx", "incomplete": "2xx", "cancelled": "499"}

disable_created_metrics()  # a second series for each, which nobody asks for


@define(eq=False)
class Metrics:
    """Counts from when it is made. ``present`` is asked at each scrape."""

    _present: Present
    _registry: CollectorRegistry = field(factory=CollectorRegistry, init=False)
    _keys: Bounded = field(factory=lambda: Bounded(MOST_KEYS), init=False)
    _accounts: Bounded = field(factory=lambda: Bounded(MOST_ACCOUNTS), init=False)
    _lag: Lag = field(init=False)
    requests: Counter = field(init=False)
    seconds: Histogram = field(init=False)
    first: Histogram = field(init=False)
    gaps: Histogram = field(init=False)
    tokens: Counter = field(init=False)
    attempts: Counter = field(init=False)

    def __attrs_post_init__(self) -> None:
        registry = self._registry
        self.requests = Counter(
            "agd_requests", "Answers that are complete.", ("route", "model", "key", "status"), registry=registry
        )
        self.seconds = Histogram(
            "agd_request_seconds", "From a request to the end of its answer.", ("route",), buckets=SECONDS,
            registry=registry,
        )  # fmt: skip
        self.first = Histogram(
            "agd_time_to_first_event_seconds", "From a streamed request to its first event.", ("model",),
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.gaps = Histogram(
            "agd_event_gap_seconds", "Between two reads of a streamed answer.", buckets=GAPS, registry=registry
        )
        self.tokens = Counter(
            "agd_tokens",
            "Tokens as the provider counts them; cached ones are among the prompt, reasoning among the completion.",
            ("kind", "model", "key"),
            registry=registry,
        )
        self.attempts = Counter(
            "agd_attempts", "Accounts that were asked, by what came of it.", ("account", "verdict"), registry=registry
        )
        lags = Histogram(
            "agd_reactor_lag_seconds", "How late the event loop is, looked at once a second.", buckets=LAGS,
            registry=registry,
        )  # fmt: skip
        self._lag = Lag(self._present.clock, lags.observe)
        self._lag.start()
        registry.register(Gauges(self._present, self._model))

    # ------------------------------------------------------------------ what happened

    def answered(self, method: str, path: str, status: int, seconds: float, trail: Trail) -> None:
        """An answer is complete, or its client left. A stream counts as what its end was, not as its head."""
        ended = status if trail.broke is None or status == LEFT else trail.broke
        self._count(route(method, path), status_class(ended), seconds, trail)

    def ended(self, status: str, seconds: float, trail: Trail) -> None:
        """A response that ran in the background is over."""
        self._count("background", _ENDED.get(status, "5xx"), seconds, trail)

    def attempted(self, trail: Trail, attempt: Attempt) -> None:
        """An account was given back."""
        account = self._accounts.label(attempt.account.email or attempt.account.id)
        self.attempts.labels(account, attempt.verdict).inc()
        if attempt.usage is not None:
            self._count_tokens(attempt.usage, self._model(trail.model), self._key(trail.owner))

    def gap(self, seconds: float) -> None:
        """Two reads of an answer were so far apart."""
        self.gaps.observe(seconds)

    # ------------------------------------------------------------------ what is shown

    def page(self) -> tuple[str, bytes]:
        """Return content type and text of all metrics as they are now."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def stop(self) -> None:
        """Look at the event loop no more."""
        self._lag.stop()

    # ------------------------------------------------------------------ within

    def _count(self, route_: str, status: str, seconds: float, trail: Trail) -> None:
        model = self._model(trail.model)
        self.requests.labels(route_, model, self._key(trail.owner), status).inc()
        self.seconds.labels(route_).observe(seconds)
        first = trail.first if trail.streams else None
        if first is not None:
            self.first.labels(model).observe(first)

    def _count_tokens(self, usage: Usage, model: str, key: str) -> None:
        counts = {"prompt": usage.prompt, "cached": usage.cached}
        counts |= {"completion": usage.completion, "reasoning": usage.reasoning}
        for kind, tokens in counts.items():
            if tokens > 0:
                self.tokens.labels(kind, model, key).inc(tokens)

    def _model(self, model: str) -> str:
        """A model's name stands in many requests before anybody knows whether there is such a model."""
        return model if not model or model in self._present.models() else OTHER

    def _key(self, owner: str) -> str:
        """Return the name of a client's key; those without one are told together, an operator has no use for a hash."""
        kind, _, name = owner.partition(":")
        return self._keys.label(name) if kind == "key" else {"mac": "unnamed"}.get(kind, owner)
