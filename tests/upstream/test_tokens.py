"""Access tokens: got once, renewed ahead of time, dropped when refused; timed by a clock of the test's."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account
from agd.accounts.credentials import ApiKey, Token
from agd.accounts.way import Proxy, WayOut
from agd.errors import FailureKind, UpstreamFailure
from agd.upstream.grants import dead
from agd.upstream.tokens import AWAITED, FETCH_SECONDS, Tokens, is_renewable
from tests.accounts.keys import proven, refresh_token

URL = "https://tokens.example/token"
LIFE = 1000.0
BUSY = UpstreamFailure(FailureKind.CONNECT, "token endpoint: busy")


class TokensTestCase(SynchronousTestCase):
    """Tokens whose exchanges the test answers."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.exchanges: list[Deferred[Token]] = []
        self.random = 0.0
        self.tokens = Tokens(self.fetch, self.clock, lambda: self.random)
        self.account = proven(refresh_token(URL))

    async def fetch(self, account: Account) -> Token:
        """Wait for the test."""
        self.exchanges.append(Deferred())
        return await self.exchanges[-1]

    def grant(self, name: str = "t", lifetime: float = LIFE) -> Token:
        """Answer the last exchange with a token."""
        token = Token(name, self.clock.seconds(), lifetime)
        self.exchanges[-1].callback(token)
        return token

    def refuse(self, failure: UpstreamFailure = BUSY) -> None:
        """Let the last exchange fail, and keep the log quiet."""
        with capturedLogs():
            self.exchanges[-1].errback(failure)

    def ask(self) -> Deferred[Token]:
        """Ask for a token."""
        return self.tokens.of(self.account)

    def now(self) -> str:
        """Return the token that is there at once."""
        return self.successResultOf(self.ask()).secret


class RenewalTests(TokensTestCase):
    """When tokens are got."""

    def test_K14_cold_start(self) -> None:
        """However many ask while there is no token, one exchange serves them all."""
        asked = [self.ask() for _ in range(200)]
        self.assertEqual(len(self.exchanges), 1)
        self.grant()
        self.assertEqual({self.successResultOf(each).secret for each in asked}, {"t"})
        self.assertEqual(self.now(), "t")
        self.assertEqual(len(self.exchanges), 1)

    def test_K14_ahead_of_time(self) -> None:
        """A token in use is renewed at four fifths of its life; requests get the old one meanwhile, without waiting."""
        self.ask()
        self.grant("old")
        self.clock.advance(0.8 * LIFE - 1)
        self.assertEqual((self.now(), len(self.exchanges)), ("old", 1))
        self.clock.advance(1)
        self.assertEqual((self.now(), len(self.exchanges)), ("old", 2))
        self.grant("new")
        self.assertEqual((self.now(), len(self.exchanges)), ("new", 2))

    def test_idle(self) -> None:
        """A token that nobody used since it was got is not renewed; the first to use it late has it renewed at once."""
        self.ask()
        self.grant("old")
        self.clock.advance(0.8 * LIFE)
        self.grant("new")
        self.clock.advance(0.8 * LIFE)
        self.assertEqual(len(self.exchanges), 2)
        self.assertEqual((self.now(), len(self.exchanges)), ("new", 3))

    def test_after_the_end(self) -> None:
        """A token that has ended is used no more: whoever asks waits for the next."""
        self.ask()
        self.grant("old")
        self.clock.advance(0.8 * LIFE)
        with capturedLogs():
            self.clock.advance(0.2 * LIFE)
        late = self.ask()
        self.assertNoResult(late)
        self.clock.advance(0.5)
        self.grant("new")
        self.assertEqual(self.successResultOf(late).secret, "new")

    def test_K14_refused(self) -> None:
        """A token that the upstream refused is used no more, and however many were refused it one exchange follows."""
        self.ask()
        old = self.grant("old")
        for _ in range(3):
            self.tokens.refuse(self.account, old)
        asked = [self.ask() for _ in range(3)]
        self.assertEqual(len(self.exchanges), 2)
        new = self.grant("new")
        self.assertEqual([self.successResultOf(each) for each in asked], [new] * 3)
        self.tokens.refuse(self.account, old)
        self.assertEqual((self.now(), len(self.exchanges)), ("new", 2))

    def test_one_for_each_way(self) -> None:
        """Accounts with one credential share its token; another way out, or another credential, has its own."""
        self.ask()
        self.tokens.of(proven(refresh_token(URL), name="two"))
        self.assertEqual(len(self.exchanges), 1)
        self.tokens.of(proven(refresh_token(URL), way=WayOut(Proxy("http", "p", 1))))
        self.tokens.of(proven(refresh_token(URL, "1//made-up-other")))
        self.assertEqual(len(self.exchanges), 3)

    def test_who_leaves(self) -> None:
        """A request that gives up while it waits takes nothing away from the others."""
        first, second = self.ask(), self.ask()
        first.cancel()
        self.failureResultOf(first)
        self.grant()
        self.assertEqual(self.successResultOf(second).secret, "t")

    def test_keys_need_none(self) -> None:
        """Keys have nothing to do with all this."""
        self.assertFalse(is_renewable(proven(ApiKey("made-up"))))
        self.assertFalse(self.tokens.can_renew(proven(ApiKey("made-up"))))
        self.assertTrue(self.tokens.can_renew(self.account))


class FailureTests(TokensTestCase):
    """When tokens are not to be had."""

    def test_again_with_backoff(self) -> None:
        """A request that needs a token waits through a few failures, each pause longer than the one before."""
        asked = self.ask()
        for pause in (0.5, 1.0):
            self.refuse()
            before = len(self.exchanges)
            self.clock.advance(pause - 0.01)
            self.assertEqual(len(self.exchanges), before)
            self.clock.advance(0.01)
            self.assertEqual(len(self.exchanges), before + 1)
        self.assertNoResult(asked)
        self.grant()
        self.assertEqual(self.successResultOf(asked).secret, "t")

    def test_told_in_the_end(self) -> None:
        """After so many failures it is told, and who asks before the pause is over is told at once."""
        asked = self.ask()
        for _ in range(AWAITED):
            self.refuse()
            self.clock.advance(1.0)
        self.assertEqual(self.failureResultOf(asked, UpstreamFailure).value.kind, FailureKind.CONNECT)
        self.failureResultOf(self.ask(), UpstreamFailure)
        self.assertEqual(len(self.exchanges), AWAITED)
        self.clock.advance(1.0)
        self.ask()
        self.assertEqual(len(self.exchanges), AWAITED + 1)

    def test_jitter(self) -> None:
        """A part of the pause, up to a half, is left to chance."""
        self.random = 0.999
        self.ask()
        self.refuse()
        self.clock.advance(0.26)
        self.assertEqual(len(self.exchanges), 2)

    def test_old_token_serves_on(self) -> None:
        """While the old token holds, no failure to renew it reaches a request; each minute at least it is tried."""
        self.ask()
        self.grant("old", 100_000.0)
        self.now()
        self.clock.advance(80_000.0)
        for _ in range(12):
            self.refuse()
            self.assertEqual(self.now(), "old")
            before = len(self.exchanges)
            self.clock.advance(60.0)
            self.assertEqual(len(self.exchanges), before + 1)

    def test_refused_between_failures(self) -> None:
        """A token that is refused while its renewal waits for the next try leaves nobody waiting for ever."""
        self.ask()
        old = self.grant("old")
        self.now()
        self.clock.advance(0.8 * LIFE)
        self.refuse()
        self.tokens.refuse(self.account, old)
        asked = self.ask()
        self.assertNoResult(asked)
        self.clock.advance(0.5)
        self.grant("new")
        self.assertEqual(self.successResultOf(asked).secret, "new")

    def test_own_time(self) -> None:
        """An exchange that does not end is given up in its own time."""
        self.ask()
        with capturedLogs() as lines:
            self.clock.advance(FETCH_SECONDS)
        self.assertIn("no answer within 20 seconds", formatEvent(lines[0]))
        self.clock.advance(0.5)
        self.assertEqual(len(self.exchanges), 2)

    def test_retry_after(self) -> None:
        """A token endpoint that says when to come again is not asked before."""
        self.ask()
        self.refuse(UpstreamFailure(FailureKind.CONNECT, "busy", retry_after=7.0))
        self.clock.advance(6.9)
        self.assertEqual(len(self.exchanges), 1)
        self.clock.advance(0.2)
        self.assertEqual(len(self.exchanges), 2)

    def test_one_that_fails_takes_others_along(self) -> None:
        """Of the calls of one request the first that is told ends the others, which wait for the same exchange."""
        first, second, third = self.ask(), self.ask(), self.ask()
        first.addErrback(lambda _: second.cancel())
        self.refuse(dead("invalid_grant", "invalid_grant: revoked"))
        self.failureResultOf(second, CancelledError)
        self.assertTrue(self.failureResultOf(third, UpstreamFailure).value.own)
        self.assertIsNone(self.successResultOf(first))

    def test_dead(self) -> None:
        """A grant that is no good is told at once with its reason, and never asked with again until a reload."""
        asked = self.ask()
        self.refuse(dead("invalid_grant", "invalid_grant: revoked"))
        failure = self.failureResultOf(asked, UpstreamFailure).value
        self.assertEqual((failure.status, failure.reason), (401, "invalid_grant"))
        self.assertIn("get a new one", failure.message)
        self.clock.advance(10_000.0)
        self.failureResultOf(self.ask(), UpstreamFailure)
        self.assertEqual((len(self.exchanges), self.tokens.can_renew(self.account)), (1, False))
        self.tokens.keep_only([self.account])
        self.ask()
        self.assertEqual((len(self.exchanges), self.tokens.can_renew(self.account)), (2, True))

    def test_mistake(self) -> None:
        """A mistake of agd's own ends the wait and is told in the log."""
        asked = self.ask()
        self.exchanges[-1].errback(ZeroDivisionError())
        self.failureResultOf(asked, ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_close(self) -> None:
        """At the end what is under way is given up, and no timer is left."""
        asked = self.ask()
        self.tokens.close()
        self.failureResultOf(asked)
        self.ask()
        self.grant()
        self.tokens.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close_tells(self) -> None:
        """Who waits is told so in words, also between two tries: being cancelled is nothing that happened to them."""
        for refused in (False, True):
            self.setUp()
            asked = self.ask()
            if refused:
                self.refuse()
            self.tokens.close()
            failure = self.failureResultOf(asked, UpstreamFailure).value
            self.assertEqual((failure.kind, failure.own), (FailureKind.CONNECT, True))
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_gone_account(self) -> None:
        """An account that a reload took away leaves no token and no timer."""
        self.ask()
        token: Any = self.grant()
        self.assertEqual(self.tokens.shown(self.account), (token.secret,))
        self.tokens.keep_only([])
        self.assertEqual((self.tokens.shown(self.account), self.clock.getDelayedCalls()), ((), []))
