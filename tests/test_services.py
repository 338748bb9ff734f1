"""Reloading, fresh lists of models, and letting go at the end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account
from agd.accounts.pool import Pool
from agd.daemon import Daemon
from agd.errors import ConfigurationError, ConfigurationProblem, FailureKind, StoreError, UpstreamFailure
from agd.launch import Launch, prepare
from agd.reloading import ReloadService
from agd.responses.background import Background
from agd.services import CatalogueService, DrainService
from agd.settings import read_settings
from agd.upstream.client import UpstreamClient
from tests.private import write_private

LOCAL = ("tcp:port=8045:interface=127.0.0.1",)
EVERYWHERE = ("tcp:port=8045",)
ONE = '[[accounts]]\napi_key = "made-up-1"\nemail = "first@example.com"\n'
TWO = ONE + '[[accounts]]\napi_key = "made-up-2"\nemail = "second@example.com"\n'


def launch(text: str = ONE, listeners: tuple[str, ...] = LOCAL) -> Launch:
    """Make a launch from a configuration's text."""

    def no_file(path: str) -> str:
        raise FileNotFoundError(path)

    return Launch("agd.toml", read_settings(text, "agd.toml", environ={}, read_file=no_file), listeners)


def told(events: list[Any], level: LogLevel) -> str:
    """Join what was logged at a level."""
    return "\n".join(str(formatEvent(event)) for event in events if event["log_level"] is level)


class ReloadTests(SynchronousTestCase):
    """``ReloadService``."""

    def setUp(self) -> None:
        """Start a daemon with one account; what is read next is ``self.fresh``."""
        self.fresh: Launch | ConfigurationError = launch()
        self.after = 0
        self.start(launch())

    def start(self, first: Launch) -> None:
        """Build a daemon and its service."""
        self.daemon = Daemon.build(first, MemoryReactorClock())
        self.service = ReloadService(self.daemon, Clock(), first, self.read, self.count)

    def read(self) -> Launch:
        """Read the configuration."""
        if isinstance(self.fresh, ConfigurationError):
            raise self.fresh
        return self.fresh

    def count(self) -> None:
        """Count what is called after a reload."""
        self.after += 1

    def reload(self, fresh: Launch | ConfigurationError) -> list[Any]:
        """Reload, and return what was logged."""
        self.fresh = fresh
        with capturedLogs() as events:
            self.service.reload()
        return list(events)

    @property
    def emails(self) -> list[str]:
        """Who is in the pool."""
        return [account.email for account in self.daemon.gateway.pool.accounts]

    def test_good(self) -> None:
        """A sound configuration is taken: accounts, routes, limits and the door."""
        text = (
            '[proxy]\napi_key = "k"\nauth_mode = "strict"\nmax_body_bytes = 5\n[proxy.custom_mapping]\na = "gpt-4o"\n'
        )
        events = self.reload(launch(text + "[retry]\nmax_attempts = 7\n" + TWO))
        self.assertEqual(self.emails, ["first@example.com", "second@example.com"])
        self.assertEqual(self.daemon.site.door.mode, "strict")
        self.assertEqual((self.daemon.site.max_body_bytes, self.daemon.gateway.max_attempts), (5, 7))
        self.assertIn("a", self.daemon.gateway.router.custom.exact)
        self.assertEqual(told(list(events), LogLevel.info), "configuration reloaded from agd.toml")
        self.assertEqual(self.after, 1)

    def test_bad(self) -> None:
        """A wrong one is told in full and changes nothing."""
        self.reload(launch(TWO))
        error = ConfigurationError("agd.toml", [ConfigurationProblem("proxy.port", '"x" (a string)', "a whole number")])
        events = self.reload(error)
        self.assertEqual(len(self.emails), 2)
        self.assertIn(
            'agd.toml: proxy.port: found "x" (a string); allowed: a whole number', told(list(events), LogLevel.error)
        )
        self.assertEqual(told(list(events), LogLevel.info), "")
        self.assertEqual((self.after, len(self.service.launch.settings.accounts)), (1, 2))

    def test_listeners_stay(self) -> None:
        """Listeners change only at a restart, and the operator is told so."""
        events = self.reload(launch("[proxy]\nport = 9000\n", ("tcp:port=9000:interface=127.0.0.1",)))
        self.assertIn("still listening on tcp:port=8045:interface=127.0.0.1", told(list(events), LogLevel.warn))
        self.assertEqual(self.service.launch.listeners, LOCAL)

    def test_authentication_stays(self) -> None:
        """A daemon that others can reach keeps wanting keys, though its file now says that none of them should."""
        self.start(launch('[proxy]\nallow_lan_access = true\napi_key = "k"\n', EVERYWHERE))
        self.reload(launch('[proxy]\napi_key = "other"\n', LOCAL))
        self.assertEqual(self.daemon.site.door.mode, "all_except_health")
        self.assertEqual(self.daemon._policy.expose_account, "id")

    def test_no_key_left(self) -> None:
        """A configuration without a key is refused where the present listeners need one."""
        self.start(launch('[proxy]\nallow_lan_access = true\napi_key = "k"\n', EVERYWHERE))
        events = self.reload(launch(ONE, LOCAL))
        self.assertIn("proxy.api_key", told(list(events), LogLevel.error))
        self.assertEqual((self.daemon.site.door.mode, self.after), ("all_except_health", 0))

    def test_warnings(self) -> None:
        """What the operator should know of the new configuration is told."""
        self.assertIn("no accounts", told(self.reload(launch("")), LogLevel.warn))

    def test_old_credentials_first(self) -> None:
        """What is known of old credentials is forgotten before the pool serves those who wait."""
        steps: list[str] = []
        self.patch(UpstreamClient, "keep_only", lambda *_: steps.append("forget"))
        self.patch(Pool, "replace", lambda *_: steps.append("serve"))
        self.daemon.use_accounts(())
        self.assertEqual(steps, ["forget", "serve"])

    def test_no_warnings(self) -> None:
        """Where accounts are made up, none is missed: neither at the start nor after a reload."""
        self.service = ReloadService(self.daemon, Clock(), launch(), self.read, self.count, warns=False)
        self.assertEqual(told(self.reload(launch("")), LogLevel.warn), "")

    def test_disabled_account(self) -> None:
        """An account that was disabled gets another chance."""
        pool = self.daemon.gateway.pool
        failure = UpstreamFailure(FailureKind.STATUS, "API key not valid", status=401)
        CatalogueService(self.daemon, Clock())._judge(pool.accounts[0], failure)
        self.assertIsNotNone(pool.unready())
        self.reload(launch())
        self.assertIsNone(pool.unready())

    def test_signal(self) -> None:
        """SIGHUP reloads, from within the reactor."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        waiting: list[Callable[[], None]] = []

        class Reactor:
            """Keeps what is called from elsewhere."""

            callFromThread = staticmethod(waiting.append)

        service = ReloadService(self.daemon, Reactor(), launch(), self.read, self.count)
        service.startService()
        signal.raise_signal(signal.SIGHUP)
        self.assertEqual((len(waiting), self.after), (1, 0))
        waiting[0]()
        self.assertEqual(self.after, 1)

    def test_from_files(self) -> None:
        """The real reader finds what has been written meanwhile."""
        path = self.mktemp()
        write_private(Path(path), TWO)
        self.reload(prepare(path, environ={"HOME": os.path.abspath(self.mktemp())}))
        self.assertEqual(len(self.emails), 2)


@define(eq=False)
class FakeUpstream:
    """Lists models when told to."""

    asked: list[tuple[Account, Deferred[list[str]]]] = field(factory=list)
    cancelled: list[Account] = field(factory=list)
    patience: Any = None

    async def models(self, account: Account) -> list[str]:
        """Wait for the list."""
        listed: Deferred[list[str]] = Deferred(lambda _: self.cancelled.append(account))
        self.asked.append((account, listed))
        return await listed

    def keep_only(self, accounts: Iterable[Account]) -> None:
        """Nothing is known of any."""

    def tell(self, position: int, *names: str) -> None:
        """Answer a question."""
        self.asked[position][1].callback(list(names))

    def fail(self, position: int, error: Exception) -> None:
        """Answer a question with a failure."""
        self.asked[position][1].errback(Failure(error))


class CatalogueTests(SynchronousTestCase):
    """``CatalogueService``."""

    def setUp(self) -> None:
        """Start the service of a daemon with two accounts."""
        self.daemon = Daemon.build(launch(TWO), MemoryReactorClock())
        self.bundled = self.daemon.gateway.catalogue.known
        self.upstream = FakeUpstream()
        fake: Any = self.upstream
        self.daemon.gateway.upstream = fake
        self.clock = Clock()
        self.service = CatalogueService(self.daemon, self.clock)
        self.service.startService()

    @property
    def known(self) -> frozenset[str]:
        """What the catalogue holds."""
        return self.daemon.gateway.catalogue.known

    def stop(self) -> None:
        """Stop, which must be over at once and leave nothing."""
        self.successResultOf(self.service.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_learns(self) -> None:
        """Every account is asked at the start, all at once; what they list is known, bundled names until then."""
        self.assertEqual(
            [account.email for account, _ in self.upstream.asked], ["first@example.com", "second@example.com"]
        )
        self.assertEqual(self.known, self.bundled)
        self.upstream.tell(1, "gemini-b", "gemini-c")
        self.assertEqual(self.known, {"gemini-b", "gemini-c"})
        self.upstream.tell(0, "gemini-a", "gemini-b")
        self.assertEqual(self.known, {"gemini-a", "gemini-b", "gemini-c"})
        self.stop()

    def test_hourly(self) -> None:
        """They are asked again every hour, and a shorter list replaces a longer one."""
        self.upstream.tell(0, "gemini-a", "gemini-old")
        self.upstream.tell(1)
        self.clock.advance(3599)
        self.assertEqual(len(self.upstream.asked), 2)
        self.clock.advance(1)
        self.upstream.tell(2, "gemini-a")
        self.upstream.tell(3)
        self.assertEqual(self.known, {"gemini-a"})
        self.clock.advance(3600)
        self.assertEqual(len(self.upstream.asked), 6)
        self.stop()

    def test_disables(self) -> None:
        """An account whose key is refused is disabled before any request needs it, with a logged reason."""
        with capturedLogs() as events:
            self.upstream.fail(0, UpstreamFailure(FailureKind.STATUS, "bad", status=400, reason="API_KEY_INVALID"))
        self.assertIn("first@example.com disabled until reload: 400 bad", told(list(events), LogLevel.error))
        lease = self.daemon.gateway.pool.lease
        self.assertEqual({lease("m", 0.0).account.email for _ in range(4)}, {"second@example.com"})
        self.stop()

    def test_warns(self) -> None:
        """Any other failure is told and blames nobody; what was known before stays known."""
        self.upstream.tell(0, "gemini-a")
        self.upstream.tell(1, "gemini-b")
        self.clock.advance(3600)
        with capturedLogs() as events:
            self.upstream.fail(2, UpstreamFailure(FailureKind.CONNECT, "no answer"))
            self.upstream.fail(3, UpstreamFailure(FailureKind.STATUS, "busy", status=429, retry_after=60.0))
        warned = told(list(events), LogLevel.warn)
        self.assertIn("no list of models from first@example.com: no answer", warned)
        self.assertIn("no list of models from second@example.com: 429 busy", warned)
        self.assertEqual(self.known, {"gemini-a", "gemini-b"})
        lease = self.daemon.gateway.pool.lease
        self.assertEqual(len({lease("m", 0.0).account.email for _ in range(4)}), 2)
        self.stop()

    def test_stops(self) -> None:
        """Stopping gives up what is being asked, without a word in the log."""
        with capturedLogs() as events:
            self.stop()
        self.assertEqual(len(self.upstream.cancelled), 2)
        self.assertEqual(list(events), [])
        self.assertEqual(self.known, self.bundled)

    def test_stops_everything(self) -> None:
        """That holds as well for lists that were asked for between two hours."""
        self.service.refresh()
        self.stop()
        self.assertEqual(len(self.upstream.cancelled), 4)

    def test_account_gone(self) -> None:
        """What an account tells after a reload took it away is forgotten."""
        self.daemon.apply(launch(ONE))
        self.upstream.tell(0, "gemini-a")
        self.upstream.tell(1, "gemini-b")
        self.assertEqual(self.known, {"gemini-a"})
        self.stop()

    def test_nobody(self) -> None:
        """Without accounts nobody is asked, and the next hour comes all the same."""
        self.stop()
        self.daemon.use_accounts(())
        self.service.startService()
        self.assertEqual(len(self.upstream.asked), 2)
        self.daemon.apply(launch(ONE))
        self.clock.advance(3600)
        self.assertEqual(len(self.upstream.asked), 3)
        self.stop()

    def test_mistake(self) -> None:
        """A mistake of agd's own is logged; the other account is heard, and the next hour comes."""
        self.upstream.fail(0, ZeroDivisionError())
        self.upstream.tell(1, "gemini-b")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.known, {"gemini-b"})
        self.clock.advance(3600)
        self.assertEqual(len(self.upstream.asked), 4)
        self.stop()


class Threads(Clock):
    """A reactor as a signal handler sees it: what it is given runs later."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Callable[[], object]] = []

    def callFromThread(self, call: Callable[[], object]) -> None:
        """Keep a call."""
        self.given.append(call)


class DrainTests(SynchronousTestCase):
    """``DrainService``."""

    def test_order(self) -> None:
        """First clients and background responses end, then the store and the upstream's connections are closed."""
        calls: list[str] = []
        drained: Deferred[None] = Deferred()
        finished: Deferred[None] = Deferred()
        stored: Deferred[None] = Deferred()
        closed: Deferred[None] = Deferred()

        class Parts:
            """A daemon's site, store and connections in one."""

            def drain(self, grace: float) -> Deferred[None]:
                """Begin to drain."""
                calls.append(f"drain {grace}")
                return drained

            def finish_background(self, grace: float, clock: Clock) -> Deferred[None]:
                """Begin to finish."""
                calls.append(f"finish {grace}")
                return finished

            def keep_state(self, wall: float) -> Deferred[None]:
                """Keep what is known; a store that cannot does not hold the end up."""
                calls.append("state")
                return fail(StoreError("full"))

            def close_store(self) -> Deferred[None]:
                """Begin to close the store."""
                calls.append("store")
                return stored

            def close_upstreams(self) -> Deferred[None]:
                """Begin to close."""
                calls.append("close")
                return closed

            @property
            def site(self) -> Parts:
                """This."""
                return self

        daemon: Any = Parts()
        stopped = DrainService(daemon, Clock(), lambda: 7.0).stopService()
        drained.callback(None)
        self.assertEqual(calls, ["drain 7.0", "finish 7.0"])
        finished.callback(None)
        self.assertEqual(calls[2:], ["state", "store"])
        stored.callback(None)
        self.assertEqual(calls[4:], ["close"])
        self.assertNoResult(stopped)
        closed.callback(None)
        self.successResultOf(stopped)

    def test_told_again(self) -> None:
        """A second SIGTERM or SIGINT ends the grace; the handlers are there only until all is over."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.getsignal(number) for number in numbers]
        daemon = Daemon.build(launch(), MemoryReactorClock())
        drained: Deferred[None] = Deferred()
        cuts: list[str] = []
        self.patch(daemon.site, "drain", lambda grace: drained)
        self.patch(daemon.site, "cut_short", lambda: cuts.append("cut"))
        daemon._responses()
        self.patch(Background, "hurry", lambda _: cuts.append("hurry"))
        reactor = Threads()
        stopped = DrainService(daemon, reactor, lambda: 7.0).stopService()
        for number, old in zip(numbers, before, strict=True):
            handler: Any = signal.getsignal(number)
            self.assertIsNot(handler, old)
            handler(number, None)
        self.assertEqual(cuts, [])
        for call in reactor.given:
            call()
        self.assertEqual(cuts, ["cut", "hurry", "cut", "hurry"])
        self.assertNoResult(stopped)
        drained.callback(None)
        self.successResultOf(stopped)
        self.assertEqual([signal.getsignal(number) for number in numbers], before)

    def test_dead_upstream(self) -> None:
        """An upstream that does not close its connection holds nothing up."""
        clock = Clock()
        daemon = Daemon.build(launch(), MemoryReactorClock())
        silent: Deferred[None] = Deferred()
        self.patch(Daemon, "close_upstreams", lambda daemon: silent)
        stopped = DrainService(daemon, clock, lambda: 7.0).stopService()
        self.assertNoResult(stopped)
        clock.advance(1.0)
        self.successResultOf(stopped)
