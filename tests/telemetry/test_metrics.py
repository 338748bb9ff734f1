"""What a scraper reads, and what it never does."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.pool import Pool
from agd.accounts.standing import Pause
from agd.accounts.verdict import judge
from agd.gateway import Trail
from agd.gemini.causes import cause_of
from agd.telemetry.labels import OTHER, Bounded, route, status_class
from agd.telemetry.metrics import MOST_KEYS, Metrics
from tests.gateways import MODEL
from tests.telemetry.trails import attempt, present, served
from tests.upstream.script import refusal
from tests.upstream.wire import account

CHAT = "/v1/chat/completions"


class MetricsTestCase(SynchronousTestCase):
    """Metrics on a clock, and what a scrape finds."""

    def setUp(self) -> None:
        self.clock = Clock()

    def metrics(self, *views: Any, **counts: int) -> Metrics:
        """Begin to count."""
        metrics = Metrics(present(self.clock, views, **counts))
        self.addCleanup(metrics.stop)
        return metrics

    def scraped(self, metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
        """Return every sample by its name and the values of its labels, in the order of their names."""
        content_type, text = metrics.page()
        self.assertTrue(content_type.startswith("text/plain"), content_type)
        families = text_string_to_metric_families(text.decode())
        samples = [sample for family in families for sample in family.samples]
        found = {
            (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
            for sample in samples
        }
        self.assertEqual(len(found), len(samples), "a series stands twice")
        return found


class CountTests(MetricsTestCase):
    """Requests, attempts, tokens, times."""

    def test_request(self) -> None:
        """A streamed answer is counted by route, model, key and class, with its time to the first event."""
        metrics = self.metrics()
        metrics.answered("POST", CHAT, 200, 1.75, served())
        found = self.scraped(metrics)
        self.assertEqual(found["agd_requests_total", ("ann", MODEL, CHAT, "2xx")], 1)
        self.assertEqual(found["agd_request_seconds_sum", (CHAT,)], 1.75)
        self.assertEqual(found["agd_time_to_first_event_seconds_sum", (MODEL,)], 2.25)

    def test_broken(self) -> None:
        """A stream counts as its end, not as its head; one whose client left is that."""
        metrics = self.metrics()
        for status in (200, 499):
            metrics.answered("POST", CHAT, status, 1.0, served(broke=502))
        found = self.scraped(metrics)
        for ended in ("5xx", "499"):
            self.assertEqual(found["agd_requests_total", ("ann", MODEL, CHAT, ended)], 1)

    def test_plain(self) -> None:
        """A plain answer has no time to a first event, and a refusal no model."""
        metrics = self.metrics()
        metrics.answered("POST", CHAT, 200, 1.75, evolve(served(), streams=False))
        metrics.answered("POST", CHAT, 401, 0.0, Trail("req_2"))
        found = self.scraped(metrics)
        self.assertEqual(found["agd_requests_total", ("local", "", CHAT, "4xx")], 1)
        self.assertNotIn("agd_time_to_first_event_seconds_sum", {name for name, _ in found})

    def test_attempts_and_tokens(self) -> None:
        """Each account that was asked is counted by what came of it, and what the provider counted by its kind."""
        metrics, trail = self.metrics(), served()
        for each in trail.tries:
            metrics.attempted(trail, each)
        found = self.scraped(metrics)
        self.assertEqual(found["agd_attempts_total", ("one@example.com", "minute_quota")], 1)
        self.assertEqual(found["agd_attempts_total", ("two@example.com", "served")], 1)
        tokens = {labels[1]: value for (name, labels), value in found.items() if name == "agd_tokens_total"}
        self.assertEqual(tokens, {"prompt": 12, "cached": 5, "completion": 34, "reasoning": 4})

    def test_background(self) -> None:
        """A response that ran in the background is counted when it is over."""
        metrics = self.metrics()
        for status in ("completed", "failed", "cancelled"):
            metrics.ended(status, 3.0, served())
        found = self.scraped(metrics)
        classes = {labels[3] for (name, labels) in found if name == "agd_requests_total"}
        self.assertEqual(classes, {"2xx", "5xx", "499"})

    def test_gaps_and_lag(self) -> None:
        """Gaps between reads are told by the relay; the loop is looked at once a second until the end."""
        metrics = self.metrics()
        metrics.gap(0.2)
        self.clock.advance(1.5)
        found = self.scraped(metrics)
        self.assertEqual(found["agd_event_gap_seconds_sum", ()], 0.2)
        lag = [found[f"agd_reactor_lag_seconds_{name}", ()] for name in ("sum", "count")]
        self.assertEqual(lag, [0.5, 1])
        metrics.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class GaugeTests(MetricsTestCase):
    """What is true now."""

    def test_counts(self) -> None:
        """Streams, connections, sockets, the queue and the store's failures are looked up at the scrape."""
        found = self.scraped(self.metrics(streams=3, connections=5, sockets=1, waiting=2, store_failures=4))
        names = ("open_streams", "open_connections", "open_sockets", "queue_length", "store_failures_total")
        self.assertEqual([found[f"agd_{name}", ()] for name in names], [3, 5, 1, 2, 4])

    def test_accounts(self) -> None:
        """Accounts are told by their condition, with what rests for how long."""
        pool = Pool.of([account("one"), account("two"), account("three")])
        lease = pool.lease(MODEL, 0.0)
        failure = refusal(429, retry_after=90.0)
        pool.fail(lease, judge(failure, cause_of(failure), 0.0), failure, 0.0)
        pool.pause(account("three").id, Pause.DISABLED)
        found = self.scraped(self.metrics(*pool.overview(30.0)))
        conditions = {labels[0]: value for (name, labels), value in found.items() if name == "agd_accounts"}
        self.assertEqual(
            conditions, {"ready": 1, "limited": 1, "resting": 0, "disabled": 1, "draining": 0, "refused": 0}
        )
        name = lease.account.email
        self.assertEqual(found["agd_account_condition", (name, "limited")], 1)
        self.assertEqual(found["agd_account_running", (name,)], 1)
        cooldowns = {(labels[0], labels[2]): value for (each, labels), value in found.items() if "cooldown" in each}
        self.assertEqual(cooldowns, {(name, MODEL): 60.0})


class LabelTests(MetricsTestCase):
    """However many names clients think of, there are few series."""

    def test_random_models(self) -> None:
        """Ten thousand models that nobody has make one series, and so do paths."""
        metrics = self.metrics()
        for number in range(10_000):
            trail = evolve(served(), wanted=f"model-{number}", model=f"model-{number}")
            metrics.answered("POST", f"/v1/{number}", 404, 0.1, trail)
            metrics.attempted(trail, attempt("two", usage=trail.tries[1].usage))
        requests = [labels for name, labels in self.scraped(metrics) if name == "agd_requests_total"]
        self.assertEqual(requests, [("ann", OTHER, OTHER, "4xx")])
        self.assertLess(len(metrics.page()[1]), 20_000)

    def test_random_keys(self) -> None:
        """Keys are told by name up to a limit; those without a name are told together, and never by their hash."""
        metrics = self.metrics()
        for number in range(MOST_KEYS + 50):
            metrics.answered("POST", CHAT, 200, 0.1, evolve(served(), owner=f"key:k{number}"))
        metrics.answered("POST", CHAT, 200, 0.1, evolve(served(), owner="mac:0123456789abcdef"))
        keys = {labels[0] for name, labels in self.scraped(metrics) if name == "agd_requests_total"}
        self.assertEqual(len(keys), MOST_KEYS + 2)
        self.assertIn(OTHER, keys)
        self.assertNotIn("0123456789abcdef", metrics.page()[1].decode())

    def test_bounded(self) -> None:
        """The first names stay what they are."""
        bounded = Bounded(2)
        self.assertEqual([bounded.label(name) for name in "abcab"], ["a", "b", OTHER, "a", "b"])

    def test_routes(self) -> None:
        """A path is the route that is served for it, whatever stands before or in it."""
        for path, meant in (
            ("/v1/chat/completions", "/v1/chat/completions"),
            ("/chat/completions/", "/v1/chat/completions"),
            ("/v1/v1/completions", "/v1/completions"),
            ("/v1/responses", "/v1/responses"),
            ("/v1/responses/compact", "/v1/responses/compact"),
            ("/v1/responses/resp_1", "/v1/responses/{id}"),
            ("/v1/responses/resp_1/cancel", "/v1/responses/{id}/cancel"),
            ("/v1/models/tuned/one", "/v1/models/{name}"),
            ("/readyz", "/readyz"),
            ("/admin/chat/completions", OTHER),
            ("", OTHER),
            ("/v1/models/" + "x" * 10_000, "/v1/models/{name}"),
        ):
            self.assertEqual(route("POST", path), meant, path[:50])
        self.assertEqual(route("WS", "/v1/responses"), "WS /v1/responses")

    def test_classes(self) -> None:
        """A client that left is told apart from one that was wrong."""
        told = {101: "1xx", 200: "2xx", 404: "4xx", 499: "499", 503: "5xx"}
        self.assertEqual({status: status_class(status) for status in told}, told)
