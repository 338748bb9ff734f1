from __future__ import annotations

from typing import Any

from treq.testing import StubTreq
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseFailed

from agd.encoding import decode, encode
from agd.simulator.faults import Fault, FaultKind
from agd.simulator.server import Simulator, make_root
from tests.simulator.bodies import asking
from tests.simulator.readers import Reader

HOST = "http://simulator.test"
MODEL = "gemini-2.5-flash"


class MemoryTestCase(SynchronousTestCase):
    """A simulator in memory, with a clock that stands still until it is advanced."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.simulator = Simulator(keys=("one", "two"), words=12, first_chunk_seconds=0.5, chunk_seconds=0.25)
        self.treq: Any = StubTreq(make_root(self.simulator, self.clock))

    def advance(self, seconds: float) -> None:
        """Let time pass in small steps, delivering what is written."""
        for _ in range(round(seconds / 0.125)):
            self.clock.advance(0.125)
            self.treq.flush()

    def post(self, op: str, body: Any = None, key: str | None = "one", model: str = MODEL, **how: Any) -> Any:
        """Send a generate request and give the Deferred of its response."""
        headers = {"x-goog-api-key": key} if key else {}
        data = encode(asking("hello") if body is None else body)
        return self.treq.post(f"{HOST}/v1beta/models/{model}:{op}", headers=headers, data=data, **how)

    def finished(self, response: Any) -> tuple[int, bytes]:
        """Let a response come to its end; give status and body."""
        self.advance(5)
        found = self.successResultOf(response)
        content = self.treq.content(found)
        self.treq.flush()
        return found.code, self.successResultOf(content)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the simulator's own surface."""
        data = None if body is None else encode(body)
        response = self.successResultOf(self.treq.request(method, f"{HOST}/simulator/{path}", data=data))
        return decode(self.successResultOf(self.treq.content(response)))


class GenerateTests(MemoryTestCase):
    def test_stream(self) -> None:
        """A stream is SSE, comes in the rhythm of the clock, and is recorded as complete."""
        response = self.post("streamGenerateContent?alt=sse")
        self.advance(0.375)
        self.assertNoResult(response)
        self.advance(0.125)
        self.assertEqual(self.simulator.ledger.live, 1)
        status, body = self.finished(response)
        self.assertEqual(status, 200)
        events = body.split(b"\r\n\r\n")
        self.assertEqual(events.pop(), b"")
        self.assertTrue(all(event.startswith(b"data: {") for event in events))
        call = self.simulator.ledger.as_json()["calls"][-1]
        self.assertEqual((call["outcome"], call["chunks"], call["status"]), ("complete", 3, 200))
        self.assertEqual((call["started"], call["ended"]), (0, 1.0))

    def test_array(self) -> None:
        """Without alt=sse a stream is a JSON array of the responses."""
        _, body = self.finished(self.post("streamGenerateContent"))
        self.assertEqual(len(decode(body)), 3)

    def test_plain(self) -> None:
        """A plain answer comes in one document after the time that its stream would take."""
        response = self.post("generateContent")
        self.advance(0.875)
        self.assertNoResult(response)
        status, body = self.finished(response)
        self.assertEqual((status, decode(body)["candidates"][0]["finishReason"]), (200, "STOP"))

    def test_keys(self) -> None:
        """A wrong key, no key, and a key in the query are refused, each in its way."""
        status, body = self.finished(self.post("generateContent", key="wrong"))
        self.assertEqual((status, decode(body)["error"]["details"][0]["reason"]), (400, "API_KEY_INVALID"))
        self.assertEqual(self.finished(self.post("generateContent", key=None))[0], 403)
        self.assertEqual(self.finished(self.post("generateContent?key=one"))[0], 400)
        self.assertNotIn("wrong", str(self.simulator.ledger.as_json()))

    def test_unknown_model_and_method(self) -> None:
        """An unknown model or method is not found."""
        self.assertEqual(self.finished(self.post("generateContent", model="gpt-4"))[0], 404)
        self.assertEqual(self.finished(self.post("predict"))[0], 404)

    def test_error_in_stream_framing(self) -> None:
        """A refused stream without alt=sse has its error in an array, as Google's has."""
        _, body = self.finished(self.post("streamGenerateContent", {"contents": []}))
        self.assertEqual(decode(body)[0]["error"]["code"], 400)
        _, body = self.finished(self.post("streamGenerateContent?alt=sse", {"contents": []}))
        self.assertEqual(decode(body)["error"]["code"], 400)

    def test_client_leaves(self) -> None:
        """A call whose client leaves is aborted at once, and no timer is left."""
        response = self.post("streamGenerateContent?alt=sse", unbuffered=True)
        self.advance(0.5)
        self.assertEqual(self.simulator.ledger.live, 1)
        reader = Reader()
        self.successResultOf(response).deliverBody(reader)
        reader.leave()
        self.treq.flush()
        self.assertEqual((self.simulator.ledger.live, self.simulator.ledger.aborted), (0, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class FaultTests(MemoryTestCase):
    def test_reset(self) -> None:
        """A reset connection gives no answer."""
        self.simulator.faults.put("one", [Fault(kind=FaultKind.RESET)])
        self.assertIsInstance(self.failureResultOf(self.post("generateContent")).value, Exception)
        self.assertEqual(self.simulator.ledger.as_json()["calls"][-1]["outcome"], "fault")

    def test_other_key_is_unharmed(self) -> None:
        """A fault is met by the requests of its key only."""
        self.simulator.faults.put("one", [Fault(kind=FaultKind.STATUS, status=429)])
        self.assertEqual(self.finished(self.post("generateContent"))[0], 429)
        self.assertEqual(self.finished(self.post("generateContent", key="two"))[0], 200)

    def test_cut_in_the_body(self) -> None:
        """A connection that closes inside the body fails the body, after its chunks."""
        self.simulator.faults.put("one", [Fault(kind=FaultKind.CUT, how="close", chunks=2)])
        response = self.post("streamGenerateContent?alt=sse")
        self.advance(2)
        content = self.treq.content(self.successResultOf(response))
        self.failureResultOf(content, ResponseFailed)

    def test_stall(self) -> None:
        """A stalled call stays live without an answer, however long, until its client leaves."""
        self.simulator.faults.put("one", [Fault(kind=FaultKind.STALL)])
        response = self.post("generateContent")
        self.advance(60)
        self.assertNoResult(response)
        self.assertEqual(self.simulator.ledger.live, 1)
        response.cancel()
        self.failureResultOf(response)
        self.treq.flush()
        self.assertEqual((self.simulator.ledger.live, self.simulator.ledger.aborted), (0, 1))

    def test_slow_headers(self) -> None:
        """Slow headers come after their seconds, then the answer is ordinary."""
        self.simulator.faults.put("one", [Fault(kind=FaultKind.SLOW_HEADERS, seconds=2)])
        response = self.post("streamGenerateContent?alt=sse")
        self.advance(2.375)
        self.assertNoResult(response)
        self.assertEqual(self.finished(response)[0], 200)


class ModelsTests(MemoryTestCase):
    def get(self, path: str, key: str = "one") -> tuple[int, Any]:
        response = self.treq.get(f"{HOST}/v1beta/models{path}", headers={"x-goog-api-key": key})
        status, body = self.finished(response)
        return status, decode(body)

    def test_pages(self) -> None:
        """The list comes in pages that add up to all models."""
        names, token = [], "0"
        while token:
            _, page = self.get(f"?pageSize=5&pageToken={token}")
            names += [model["name"] for model in page["models"]]
            token = page.get("nextPageToken", "")
        self.assertEqual(names, [f"models/{name}" for name in self.simulator.models])

    def test_one(self) -> None:
        """One model is shown, an unknown one is not found, a wrong key is refused, a bad token too."""
        self.assertIn("generateContent", self.get(f"/{MODEL}")[1]["supportedGenerationMethods"])
        self.assertEqual(self.get("/none")[0], 404)
        self.assertEqual(self.get("", key="wrong")[0], 400)
        self.assertEqual(self.get("?pageToken=x")[0], 400)

    def test_fault(self) -> None:
        """Faults of scope models are met by the list, others are not."""
        self.simulator.faults.put("one", [Fault(kind=FaultKind.STATUS, status=503)])
        self.assertEqual(self.get("")[0], 200)
        self.simulator.faults.put("one", [Fault(kind=FaultKind.STATUS, status=503, scope="models")])
        self.assertEqual(self.get("")[0], 503)


class ControlTests(MemoryTestCase):
    def test_faults(self) -> None:
        """Faults are put and cleared over HTTP."""
        self.control("PUT", "faults/one", [{"kind": "status", "status": 500, "times": 2}])
        self.assertEqual(self.finished(self.post("generateContent"))[0], 500)
        self.control("DELETE", "faults/one")
        self.assertEqual(self.finished(self.post("generateContent"))[0], 200)
        self.assertIn("error", self.control("PUT", "faults/one", {"kind": "fire"}))
        self.assertIn("error", self.control("PUT", "faults/none", {"kind": "reset"}))

    def test_calls(self) -> None:
        """Calls are shown newest last and can be forgotten."""
        self.finished(self.post("generateContent"))
        self.finished(self.post("streamGenerateContent", key="two"))
        found = self.control("GET", "calls")
        self.assertEqual([call["key_index"] for call in found["calls"]], [0, 1])
        self.assertEqual((found["total"], found["live"], found["aborted"]), (2, 0, 0))
        self.control("DELETE", "calls")
        self.assertEqual(self.control("GET", "calls")["total"], 0)

    def test_last(self) -> None:
        """The last request is shown with its body and lower-case headers, the key only by its index."""
        self.assertIn("error", self.control("GET", "last"))
        self.finished(self.post("streamGenerateContent?alt=sse", key="two"))
        last = self.control("GET", "last")
        self.assertEqual(last["path"], f"/v1beta/models/{MODEL}:streamGenerateContent")
        self.assertEqual((last["query"], last["body"]), ("alt=sse", asking("hello")))
        self.assertEqual((last["headers"]["x-goog-api-key"], last["key_index"]), ("key 1", 1))


class CountTests(MemoryTestCase):
    def test_count(self) -> None:
        """A wrapped request is counted as its answer reports it; the bare form and another model's are refused."""
        wrapped = {"generateContentRequest": {"model": f"models/{MODEL}", **asking("one two three")}}
        status, body = self.finished(self.post("countTokens", wrapped))
        _, answer = self.finished(self.post("generateContent", asking("one two three")))
        self.assertEqual(status, 200)
        self.assertEqual(decode(body)["totalTokens"], decode(answer)["usageMetadata"]["promptTokenCount"])
        self.assertEqual(self.finished(self.post("countTokens", asking("hello")))[0], 400)
        self.assertEqual(self.finished(self.post("countTokens", wrapped, model="gemini-2.5-pro"))[0], 400)
