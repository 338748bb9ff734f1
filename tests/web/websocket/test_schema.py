"""Error frames fit the Open Responses document, whatever the error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.encoding import decode
from agd.errors import GatewayError
from agd.web.websocket.frames import error_frame, tagged
from tests.protocols.schemas import validate

TEXTS = st.text(max_size=20)
ERRORS = st.builds(
    GatewayError,
    st.integers(400, 599),
    TEXTS,
    type=TEXTS,
    code=st.none() | TEXTS,
    param=st.none() | TEXTS,
    retry_after=st.none() | st.floats(0, 1e6),
)


class FrameTests(SynchronousTestCase):
    """``frames``."""

    @given(ERRORS)
    def test_I42_error(self, error: GatewayError) -> None:
        """``WebSocketErrorEvent``, with the lane beside it."""
        frame = decode(error_frame(error, "req_1", "lane"))
        validate("WebSocketErrorEvent", frame, "open-responses-2026-04-24.openapi.json")
        self.assertEqual((frame["status"], frame["stream_id"]), (error.status, "lane"))
        self.assertEqual((frame["error"]["message"], frame["error"]["param"]), (error.message, error.param))
        self.assertEqual("retry-after" in frame["headers"], error.retry_after is not None)

    def test_I42_lane(self) -> None:
        """An event is otherwise untouched by the name of its lane."""
        self.assertEqual(tagged(b'{"a":{}}', "x"), b'{"a":{},"stream_id":"x"}')
        self.assertEqual(tagged(b'{"a":{}}', None), b'{"a":{}}')
