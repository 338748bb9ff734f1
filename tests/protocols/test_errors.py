"""Tests of agd.protocols.errors."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import BadRequest, GatewayError
from agd.protocols.errors import MAX_DEPTH, error_object, read_body
from tests.protocols.refusals import refusal_of


class ErrorTests(SynchronousTestCase):
    """OpenAI's error object and the reading of bodies."""

    def test_G32_all_four_fields(self) -> None:
        """The error object has its four fields, null where nothing is known."""
        error = GatewayError(503, "No account is free.", type="server_error")
        self.assertEqual(
            error_object(error),
            {"error": {"message": "No account is free.", "type": "server_error", "param": None, "code": None}},
        )

    def test_reads_object(self) -> None:
        """A JSON object is read with integers of any size."""
        self.assertEqual(read_body(b'{"n": 12345678901234567890123}'), {"n": 12345678901234567890123})

    def test_not_an_object(self) -> None:
        """JSON that is not an object is refused by its type."""
        self.assertIn("an array", refusal_of(lambda: read_body(b"[1]")).message)

    @given(st.binary(max_size=40))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes are an object or a refusal."""
        try:
            self.assertIsInstance(read_body(data), dict)
        except BadRequest as error:
            self.assertTrue(error.message)

    def test_never_echoes_the_body(self) -> None:
        """The message of a broken body holds none of its content and is short."""
        message = refusal_of(lambda: read_body(b'{"key": "sk-made-up-secret" "x"}' + b"y" * 1000)).message
        self.assertNotIn("sk-made-up", message)
        self.assertLess(len(message), 140)

    def test_nested_too_deeply(self) -> None:
        """A depth bomb is refused."""
        self.assertEqual(refusal_of(lambda: read_body(b"[" * 100_000)).status, 400)

    def test_depth_limit(self) -> None:
        """A body at the limit is read, one level more is refused, however its levels are mixed."""
        for opening, closing in ((b'{"a":', b"}"), (b"[0,", b"]")):
            body = b'{"a":' + opening * (MAX_DEPTH - 1) + b"1" + closing * (MAX_DEPTH - 1) + b"}"
            self.assertIn("a", read_body(body))
            deeper = b'{"a":' + opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH + b"}"
            self.assertIn("deeper", refusal_of(partial(read_body, deeper)).message)

    def test_wide_is_not_deep(self) -> None:
        """Thousands of small containers beside one another are no depth."""
        self.assertEqual(len(read_body(b'{"a":[' + b",".join([b"{}"] * 5000) + b"]}")["a"]), 5000)
