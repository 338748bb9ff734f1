"""JSON in and out."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.encoding import InvalidJSON, decode, encode, encode_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class DecodeTests(SynchronousTestCase):
    """Reading."""

    def test_integers(self) -> None:
        """An integer stays the integer it is, however large."""
        for number in (0, -1, 2**53 + 1, 2**63, 2**64 + 1, -(10**30)):
            value = decode(str(number))
            self.assertEqual((type(value), value), (int, number))

    def test_kinds(self) -> None:
        """Bytes in UTF-8 and text are read alike; a number with a point or an exponent is a float."""
        self.assertEqual(decode('{"ä": [1.0, 1e2, true, null]}'.encode()), {"ä": [1.0, 100.0, True, None]})
        self.assertEqual(decode('"\\ud83d\\ude00"'), "😀")

    def test_duplicate_keys(self) -> None:
        """Of a key that stands twice the last one counts."""
        self.assertEqual(decode('{"a": 1, "a": 2}'), {"a": 2})

    def test_invalid(self) -> None:
        """What is not one JSON text is refused: Python's own additions, half surrogates and wrong bytes among it."""
        for data in (
            "", " ", "{", "{} {}", "[1,]", "{'a': 1}", "01", "+1", "NaN", "Infinity", "-Infinity", "1e999",
            '"\\ud800"', '"\x01"', "\ufeff{}", b"\xff", b'"\xff"', b'"\xed\xa0\x80"', "undefined", "1" * 5000,
        ):  # fmt: skip
            with self.assertRaises(InvalidJSON, msg=repr(data)) as caught:
                decode(data)
            self.assertTrue(str(caught.exception))

    def test_depth(self) -> None:
        """A text that is nested without end is refused, not followed."""
        for opening in ("[", '{"a":'):
            with self.assertRaises(InvalidJSON):
                decode(opening * 200_000)
        with self.assertRaises(InvalidJSON):
            decode("[" * 200_000 + "]" * 200_000)

    @given(st.binary() | st.text())
    def test_any_input(self, data: bytes | str) -> None:
        """Any input is read or refused."""
        try:
            value = decode(data)
        except InvalidJSON:
            return
        self.assertEqual(decode(encode(value)), value)


class EncodeTests(SynchronousTestCase):
    """Writing."""

    def test_form(self) -> None:
        """The text is compact, in the order of the keys, and UTF-8 is not escaped."""
        self.assertEqual(encode({"b": [1, 2.5], "a": 'ä\u2028\n"</'}), '{"b":[1,2.5],"a":"ä\u2028\\n\\"</"}'.encode())

    def test_text(self) -> None:
        """The same as text, for JSON inside a string."""
        self.assertEqual(encode_text({"a": "ä"}), '{"a":"ä"}')

    def test_integers(self) -> None:
        """Integers of any size are written in full."""
        self.assertEqual(encode(-(10**30)), str(-(10**30)).encode())

    def test_depth(self) -> None:
        """A value that is nested without end is refused."""
        value: list[Any] = []
        for _ in range(200_000):
            value = [value]
        with self.assertRaises(InvalidJSON):
            encode(value)

    @given(VALUES)
    def test_round_trip(self, value: Any) -> None:
        """What is written is read back the same, by this and by any other reader."""
        self.assertEqual(decode(encode(value)), value)
        self.assertEqual(json.loads(encode(value)), value)
