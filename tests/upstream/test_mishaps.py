"""Twisted's exceptions in agd's terms: one test for each row of what an exchange can meet."""

from __future__ import annotations

from OpenSSL import SSL
from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web._newclient import ParseError, RequestNotSent
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)

from agd.errors import FailureKind
from agd.upstream.mishaps import NETWORK_ERRORS, translate

SECRET = b"key-in-bytes"
UNREACHABLE = (
    error.ConnectionRefusedError(),
    error.DNSLookupError("no results for hostname lookup: nowhere.example"),
    error.TimeoutError(),
    error.NoRouteError(),
    error.ConnectBindError("too many open files"),
    RequestTransmissionFailed([Failure(SSL.Error([("SSL routines", "", "certificate verify failed")]))]),
    ResponseNeverReceived([Failure(SSL.Error([("SSL routines", "", "wrong version number")]))]),
    ResponseNeverReceived([Failure(error.ConnectionDone())]),
    ResponseNeverReceived([Failure(error.ConnectionLost())]),
    RequestNotSent(),
)
CANCELLED = (
    error.ConnectingCancelledError(IPv4Address("TCP", "127.0.0.1", 1)),
    ResponseNeverReceived([Failure(CancelledError())]),
    RequestGenerationFailed([Failure(CancelledError())]),
    ResponseFailed([Failure(CancelledError())]),
)
STALE = (
    ResponseNeverReceived([Failure(error.ConnectionDone())]),
    ResponseNeverReceived([Failure(error.ConnectionLost())]),
    RequestTransmissionFailed([Failure(error.ConnectionLost())]),
    RequestNotSent(),
)


class TranslateTests(SynchronousTestCase):
    """What each exception means."""

    def test_all_are_caught(self) -> None:
        """Every exception of the table is among those that the client catches."""
        for mishap in (*UNREACHABLE, *CANCELLED, *STALE):
            self.assertIsInstance(mishap, NETWORK_ERRORS)

    def test_mistakes_are_not_caught(self) -> None:
        """A mistake of agd's own is not taken for the network's fault."""
        for mistake in (TypeError(), ValueError(), KeyError(), CancelledError()):
            self.assertNotIsInstance(mistake, NETWORK_ERRORS)

    def test_no_answer(self) -> None:
        """Without a byte of answer on a new connection the upstream could not be reached, and nothing is stale."""
        for mishap in UNREACHABLE:
            failure = translate(mishap, reused=False)
            self.assertEqual((failure.kind, failure.stale), (FailureKind.CONNECT, False), repr(mishap))

    def test_stale_keep_alive(self) -> None:
        """The same end on a connection that had been used before says nothing about the upstream."""
        for mishap in STALE:
            failure = translate(mishap, reused=True)
            self.assertEqual((failure.kind, failure.stale), (FailureKind.CONNECT, True), repr(mishap))

    def test_never_stale(self) -> None:
        """What can only happen on the way to a connection, or after bytes of answer, is no stale keep-alive."""
        for mishap in (*UNREACHABLE[:7], ResponseFailed([Failure(error.ConnectionLost())])):
            self.assertFalse(translate(mishap, reused=True).stale, repr(mishap))

    def test_cancellation_in_disguise(self) -> None:
        """A cancellation stays one, in whatever Twisted wrapped it."""
        for mishap in CANCELLED:
            for reused in (True, False):
                with self.assertRaises(CancelledError, msg=repr(mishap)):
                    translate(mishap, reused=reused)

    def test_garbage(self) -> None:
        """An answer that is not HTTP is malformed."""
        mishap = ResponseFailed([Failure(ParseError("wrong number of parts", SECRET))])
        failure = translate(mishap, reused=True)
        self.assertIs(failure.kind, FailureKind.MALFORMED)

    def test_words(self) -> None:
        """The words say what happened and hold nothing that was sent or received."""
        garbage = translate(ResponseFailed([Failure(ParseError("bad", SECRET))]), reused=False)
        self.assertNotIn(SECRET.decode(), garbage.message)
        self.assertIn("ParseError", garbage.message)
        refused = translate(error.ConnectionRefusedError(), reused=False)
        self.assertEqual(refused.message, "no answer from the upstream: Connection was refused by other side")
        unknown = translate(UNREACHABLE[1], reused=False)
        self.assertEqual(unknown.message, "no answer from the upstream: DNS lookup failed")
        certificate = translate(UNREACHABLE[5], reused=False)
        self.assertIn("Error", certificate.message)
