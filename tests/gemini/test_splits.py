"""Recorded streams, cut at every byte, and the same answers in every form in which they may come."""

from __future__ import annotations

import json
from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Event
from agd.errors import UpstreamFailure
from agd.gemini.answers import AnswerReader
from agd.gemini.framing import Framer
from tests.gemini.test_recordings import answers, documents

SMALL = 4000
"""Bytes up to which a stream is cut everywhere; longer ones, at some places."""


def payloads(*pieces: bytes) -> list[bytes]:
    """Cut a body into payloads."""
    framer = Framer()
    found = [payload for piece in pieces for payload in framer.feed(piece)]
    return found + framer.close()


def events(*pieces: bytes) -> list[Event] | str:
    """Read a body; of a failure, return its message."""
    numbers = count()
    reader = AnswerReader(lambda: f"call_{next(numbers)}")
    try:
        found = [event for payload in payloads(*pieces) for event in reader.feed(payload)]
        return found + reader.close()
    except UpstreamFailure as failure:
        return failure.message


def streams() -> list[tuple[str, bytes]]:
    """Return name and body of every recorded stream of events."""
    return [(name, body) for name, body in answers() if body.lstrip().startswith(b"data:")]


class SplitTests(SynchronousTestCase):
    """Cuts of the network."""

    def test_G01_payloads_at_every_split(self) -> None:
        """Wherever a recorded stream is cut in two, the payloads are the same."""
        found = streams()
        self.assertGreater(len(found), 10)
        for name, body in found:
            whole = payloads(body)
            for cut in range(1, len(body), 1 if len(body) < SMALL else 37):
                self.assertEqual(payloads(body[:cut], body[cut:]), whole, f"{name} at {cut}")

    def test_G01_events_at_many_splits(self) -> None:
        """Wherever a recorded stream is cut in two, and in pieces of every small size, the events are the same."""
        for name, body in streams():
            whole = events(body)
            self.assertTrue(whole, name)
            for cut in range(1, len(body), max(1, len(body) // 60)):
                self.assertEqual(events(body[:cut], body[cut:]), whole, f"{name} at {cut}")
            for size in (1, 2, 3, 5, 7, 64, 1000):
                pieces = [body[start : start + size] for start in range(0, len(body), size)]
                self.assertEqual(events(*pieces), whole, f"{name} in pieces of {size}")

    def test_G08_G11_forms_agree(self) -> None:
        """Events, an array, an array line by line, documents in a row, and envelopes give the same events."""
        for name, body in answers():
            found = documents(body)
            texts = [json.dumps(item) for item in found]
            whole = events(json.dumps(found).encode())
            wrapped = [json.dumps({"response": item, "traceId": "t"}) for item in found]
            forms = (
                "".join(f"data: {text}\r\n\r\n" for text in texts),
                "".join(f"data:{text}\n\n" for text in texts).rstrip(),
                "[" + ",\r\n".join(texts) + "]",
                "\n".join(texts),
                "".join(f": ping\n\nevent: x\ndata: {text}\n\n" for text in wrapped),
                "[" + ",\n".join(wrapped) + "\n]\n",
                "".join(f"data: {line}\n" for line in json.dumps(found, indent=1).split("\n")) + "\n",
            )
            for number, form in enumerate(forms):
                self.assertEqual(events(form.encode()), whole, f"{name} in form {number}")
