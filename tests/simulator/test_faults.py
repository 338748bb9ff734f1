from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.encoding import InvalidJSON, decode
from agd.simulator.faults import Fault, FaultBook, FaultKind, read_faults
from agd.simulator.script import ARRAY, DOCUMENT, SSE, Act, Body, End, Framing, Head, Raw, Reading, Wait, play


def played(framing: Framing = SSE, **fault: Any) -> list[Act]:
    """Give the acts of a three-piece answer that meets a fault."""
    pieces = iter((b"1", b"2", b"3"))
    return list(play(Reading(pieces, framing, 0.5, 0.25), read_faults(fault)[0] if fault else None))


def sent(acts: list[Act]) -> bytes:
    """Give the bytes of the body."""
    return b"".join(act.data for act in acts if isinstance(act, Body))


class BookTests(SynchronousTestCase):
    def test_times(self) -> None:
        """A fault is met as often as it says, then the next one, then none."""
        book = FaultBook()
        book.put("k", read_faults([{"kind": "reset", "times": 2}, {"kind": "empty"}]))
        met = [book.take("k", "generate") for _ in range(4)]
        self.assertEqual([fault and fault.kind for fault in met], ["reset", "reset", "empty", None])

    def test_forever(self) -> None:
        """A single fault without times is met until it is cleared, by its key only."""
        book = FaultBook()
        book.put("k", read_faults({"kind": "reset"}))
        self.assertIsNone(book.take("other", "generate"))
        self.assertIsNotNone(book.take("k", "generate"))
        self.assertIsNotNone(book.take("k", "generate"))
        book.clear("k")
        self.assertIsNone(book.take("k", "generate"))

    def test_scope_and_model(self) -> None:
        """A fault is met by the requests and the model that it names only."""
        book = FaultBook()
        book.put("k", [Fault(kind="status", scope="models"), Fault(kind="reset", model="m")])
        self.assertEqual(book.take("k", "models"), Fault(kind=FaultKind.STATUS, scope="models"))
        self.assertIsNone(book.take("k", "generate", "n"))
        self.assertIsNotNone(book.take("k", "generate", "m"))

    def test_unreadable(self) -> None:
        """What is no fault is refused with a reason."""
        for wrong in ({}, {"kind": "fire"}, {"kind": "reset", "when": 1}, {"kind": "stall", "chunks": -1}, 3, [None]):
            self.assertRaises(ValueError, read_faults, wrong)

    def test_error(self) -> None:
        """An error fault carries the details it names, in Google's shape."""
        fault = Fault(kind="status", status=429, retry_delay=34.4, quota_id="PerDay", reason="RATE_LIMIT_EXCEEDED")
        error = fault.error().as_json()["error"]
        self.assertEqual((error["code"], error["status"]), (429, "RESOURCE_EXHAUSTED"))
        found = {detail["@type"].rpartition(".")[2]: detail for detail in error["details"]}
        self.assertEqual(found["RetryInfo"]["retryDelay"], "34.4s")
        self.assertEqual(found["QuotaFailure"]["violations"], [{"quotaId": "PerDay"}])
        self.assertEqual(found["ErrorInfo"]["reason"], "RATE_LIMIT_EXCEEDED")


class PlayTests(SynchronousTestCase):
    def test_ordinary(self) -> None:
        """Without a fault the pieces come with their pauses and the answer is complete."""
        acts = played()
        self.assertEqual([act.seconds for act in acts if isinstance(act, Wait)], [0.5, 0.25, 0.25])
        self.assertEqual(sent(acts), b"123")
        self.assertEqual(acts[-1], End("finish"))

    def test_array_is_closed(self) -> None:
        """The array of a complete answer is closed."""
        self.assertTrue(sent(played(ARRAY)).endswith(b"]"))

    def test_slow_headers(self) -> None:
        """The seconds of a fault pass before anything else."""
        self.assertEqual(played(kind="slow_headers", seconds=3)[0], Wait(3))

    def test_status(self) -> None:
        """An error status comes at once; a body of one's own is sent as it stands, with its headers."""
        acts = played(kind="status", status=502, body="<h1>Bad</h1>", headers={"retry-after": "7"})
        self.assertEqual(acts[0], Head(502, "text/html; charset=UTF-8", {"retry-after": "7"}))
        self.assertEqual(sent(acts), b"<h1>Bad</h1>")

    def test_error_in_an_array(self) -> None:
        """Where an array was asked for, the error stands in one."""
        self.assertEqual(decode(sent(played(ARRAY, kind="status", status=500)))[0]["error"]["status"], "INTERNAL")

    def test_cut(self) -> None:
        """A cut answer ends after its chunks in the manner asked for, and never with the last chunk."""
        for how, end in (("clean", "finish"), ("close", "close"), ("reset", "reset")):
            acts = played(kind="cut", chunks=2, how=how)
            self.assertEqual(sent(acts), b"12")
            self.assertEqual(acts[-1], End(end, "fault"))
        self.assertEqual(sent(played(kind="cut", chunks=9)), b"12")

    def test_stall(self) -> None:
        """A stall sends nothing, or the headers and its chunks."""
        self.assertEqual(played(kind="stall"), [End("stall", "fault")])
        acts = played(kind="stall", chunks=0)
        self.assertEqual(acts, [Head(200, SSE.content_type), End("stall", "fault")])
        self.assertEqual(sent(played(kind="stall", chunks=1)), b"1")

    def test_empty_and_reset(self) -> None:
        """An empty answer has a head only, a reset has nothing."""
        self.assertEqual(played(kind="empty"), [Head(200, SSE.content_type), End("finish", "fault")])
        self.assertEqual(played(kind="reset"), [End("reset", "fault")])

    def test_error_in_200(self) -> None:
        """An error object comes as an event in the place of the next chunk, in every framing."""
        acts = played(kind="error_in_200", status=429, chunks=1)
        self.assertIsInstance(acts[0], Wait)
        _, _, event = sent(acts).partition(b"data: ")
        self.assertEqual(decode(event)["error"]["code"], 429)
        document = sent(played(DOCUMENT, kind="error_in_200", status=500, chunks=1))
        self.assertEqual(decode(document)["error"]["code"], 500)
        array = sent(played(ARRAY, kind="error_in_200"))
        self.assertEqual(decode(array)[0]["error"]["code"], 503)

    def test_garbage(self) -> None:
        """Garbage is no HTTP, or after chunks no JSON."""
        self.assertIsInstance(played(kind="garbage")[0], Raw)
        _, _, event = sent(played(kind="garbage", chunks=1)).partition(b"data: ")
        self.assertRaises(InvalidJSON, decode, event)

    def test_close_idle(self) -> None:
        """The answer is whole and the connection is marked."""
        acts = played(kind="close_idle")
        self.assertEqual((sent(acts), acts[-1]), (b"123", End("finish_stale")))
