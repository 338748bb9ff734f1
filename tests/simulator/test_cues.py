"""Answers on cue."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.encoding import decode
from agd.simulator.cues import read_cues
from tests.simulator.bodies import asking, tools
from tests.simulator.test_resources import MemoryTestCase

CALL = {"name": "add", "args": {"a": 1, "b": "two\nlines"}}


class CueTests(MemoryTestCase):
    """What a request is answered."""

    def parts(self, key: str = "one", model: str = "gemini-2.5-flash") -> Any:
        """Ask and return the parts of the answer."""
        status, body = self.finished(self.post("generateContent", asking("hi", tools=tools("sum")), key, model))
        self.assertEqual(status, 200, body)
        return decode(body)["candidates"][0]["content"]["parts"]

    def test_in_order(self) -> None:
        """Cues are spoken in order by whichever key is asked, and then the simulator speaks for itself."""
        first = {"thought": "Hm.", "text": "A moment, please.", "calls": [CALL]}
        self.assertEqual(self.control("PUT", "cues", [first, {"text": "Done."}]), {"cues": 2})
        self.assertEqual(
            self.parts(), [{"text": "Hm.", "thought": True}, {"text": "A moment, please."}, {"functionCall": CALL}]
        )
        self.assertEqual(self.parts("two"), [{"text": "Done."}])
        self.assertEqual(self.parts()[0]["functionCall"]["name"], "sum")

    def test_signed(self) -> None:
        """A call on cue is signed and has an id where the model's own calls do."""
        self.control("PUT", "cues", [{"calls": [CALL]}])
        (part,) = self.parts(model="gemini-3-flash-preview")
        self.assertIn("thoughtSignature", part)
        self.assertIn("id", part["functionCall"])

    def test_faults_first(self) -> None:
        """A request that meets a fault leaves the cue to the next one."""
        self.control("PUT", "cues", [{"text": "Late."}])
        self.control("PUT", "faults/one", [{"kind": "status", "status": 429}])
        self.assertEqual(self.finished(self.post("generateContent"))[0], 429)
        self.assertEqual(self.parts(), [{"text": "Late."}])

    def test_cut_short(self) -> None:
        """An answer that breaks off has spoken its cue."""
        self.control("PUT", "cues", [{"text": "one two three four five six"}, {"text": "All of it."}])
        self.control("PUT", "faults/one", [{"kind": "cut", "chunks": 1}])
        _, body = self.finished(self.post("streamGenerateContent?alt=sse"))
        self.assertIn(b"one two three four", body)
        self.assertNotIn(b"five", body)
        self.assertEqual(self.parts(), [{"text": "All of it."}])

    def test_refused_first(self) -> None:
        """So does a request that is refused."""
        self.control("PUT", "cues", [{"text": "Late."}])
        self.assertEqual(self.finished(self.post("generateContent", {"contents": 1}))[0], 400)
        self.assertEqual(self.parts(), [{"text": "Late."}])

    def test_finish(self) -> None:
        """A cue may end in another way."""
        self.control("PUT", "cues", [{"text": "And then", "finish": "MAX_TOKENS"}])
        _, body = self.finished(self.post("generateContent"))
        self.assertEqual(decode(body)["candidates"][0]["finishReason"], "MAX_TOKENS")

    def test_forgotten(self) -> None:
        """Cues can be taken back."""
        self.control("PUT", "cues", [{"text": "Never."}])
        self.control("DELETE", "cues")
        self.assertNotEqual(self.parts(), [{"text": "Never."}])


class ReadTests(SynchronousTestCase):
    """What is no cue."""

    def test_wrong(self) -> None:
        """Anything but a list of objects with known members of the right kinds is refused."""
        wrongs: list[Any] = [{}, [1], [{"words": ""}], [{"text": 1}], [{"calls": [{"name": "x"}]}], [{"calls": 5}]]
        for wrong in wrongs:
            with self.assertRaises(ValueError, msg=str(wrong)):
                read_cues(wrong)
