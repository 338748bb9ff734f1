"""What is true at the moment of a scrape; it costs nothing in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import get_args

from attrs import define, frozen
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from twisted.internet.interfaces import IReactorTime

from agd.accounts.overview import AccountView, Condition

CONDITIONS: tuple[Condition, ...] = get_args(Condition)


@frozen
class Present:
    """Where to look. ``models`` are the upstream's names that are known; all others are counts."""

    clock: IReactorTime
    accounts: Callable[[], tuple[AccountView, ...]]
    models: Callable[[], Collection[str]]
    streams: Callable[[], int]
    connections: Callable[[], int]
    sockets: Callable[[], int]
    waiting: Callable[[], int]
    store_failures: Callable[[], int]


@define(eq=False)
class Gauges:
    """A collector of ``prometheus_client``. ``model`` makes a label of a model's name."""

    _present: Present
    _model: Callable[[str], str]

    def describe(self) -> list[Metric]:
        """Nothing is looked at before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Look."""
        present = self._present
        yield from self._accounts(present.accounts())
        yield GaugeMetricFamily("agd_open_streams", "Event streams to clients.", present.streams())
        yield GaugeMetricFamily("agd_open_connections", "Connections of clients.", present.connections())
        yield GaugeMetricFamily("agd_open_sockets", "WebSockets among them.", present.sockets())
        yield GaugeMetricFamily("agd_queue_length", "Requests that wait for an account.", present.waiting())
        failures = "Times that the store could not do what it was asked."
        yield CounterMetricFamily("agd_store_failures", failures, present.store_failures())

    def _accounts(self, views: tuple[AccountView, ...]) -> Iterator[Metric]:
        counts = Counter(view.condition for view in views)
        accounts = GaugeMetricFamily("agd_accounts", "Accounts by their condition.", labels=["condition"])
        for condition in CONDITIONS:
            accounts.add_metric([condition], counts[condition])
        names = ["account", "condition"]
        each = GaugeMetricFamily("agd_account_condition", "1: the account's condition.", labels=names)
        running = GaugeMetricFamily("agd_account_running", "Requests that an account carries.", labels=["account"])
        for view in views:
            name = view.account.email or view.account.id
            each.add_metric([name, view.condition], 1)
            if view.running:
                running.add_metric([name], view.running)
        yield from (accounts, each, running, self._cooldowns(views))

    def _cooldowns(self, views: tuple[AccountView, ...]) -> Metric:
        """Of several that fall together under one label the longest is told: each series stands once."""
        longest: dict[tuple[str, str, str], float] = {}
        for view in views:
            for rest in view.rests:
                key = (view.account.email or view.account.id, self._model(rest.model), rest.cause)
                longest[key] = max(longest.get(key, 0.0), rest.ends)
        told = "Seconds until an account is asked again, by model (empty: for any) and cause."
        cooldowns = GaugeMetricFamily("agd_account_cooldown_seconds", told, labels=["account", "model", "cause"])
        for labels, seconds in longest.items():
            cooldowns.add_metric(list(labels), seconds)
        return cooldowns
