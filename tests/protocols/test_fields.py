"""Tests of agd.protocols.fields."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import BadRequest
from agd.protocols.fields import Fields, shown
from tests.protocols.refusals import refusal_of

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


class FieldsTests(SynchronousTestCase):
    """Reading typed values out of a JSON object."""

    def test_null_is_absent(self) -> None:
        """A null reads as if the key were not there."""
        fields = Fields({"a": None})
        readers = (fields.text, fields.flag, fields.integer, fields.number, fields.array, fields.object)
        self.assertEqual([read("a") for read in readers], [None] * 6)

    def test_path_of_nested(self) -> None:
        """An error names the full path, through arrays and objects."""
        body = Fields({"messages": [{"content": {"url": 1}}]})
        inner = body.objects("messages")[0].required_object("content")
        error = refusal_of(lambda: inner.text("url"))
        self.assertEqual(error.param, "messages[0].content.url")
        self.assertIn("expected a string, but got an integer", error.message)
        self.assertEqual(error.code, "invalid_type")

    def test_strict_types(self) -> None:
        """Strings are not booleans, booleans are not numbers, decimals are not integers."""
        cases: list[tuple[str, Any]] = [
            ("flag", "true"),
            ("flag", 1),
            ("integer", True),
            ("integer", 1.0),
            ("number", False),
            ("number", "1"),
            ("texts", 3),
            ("texts", ["a", 3]),
            ("object", []),
            ("array", {}),
        ]
        for name, value in cases:
            with self.subTest(reader=name, value=value):
                fields = Fields({"stream": value})
                error = refusal_of(getattr(fields, name), "stream")
                self.assertIn("stream", error.param or "")

    def test_bounds(self) -> None:
        """A number outside its bounds is refused, on its bounds it is read unchanged."""
        self.assertEqual(Fields({"t": 2}).number("t", 0, 2), 2)
        self.assertEqual(refusal_of(lambda: Fields({"t": 2.01}).number("t", 0, 2)).code, "decimal_above_max_value")
        self.assertEqual(refusal_of(lambda: Fields({"t": 0}).integer("t", 1)).code, "integer_below_min_value")

    def test_unread(self) -> None:
        """Keys that nobody asked for are listed, unless they are null."""
        fields = Fields({"a": 1, "b": 2, "c": None})
        fields.get("a")
        self.assertEqual(list(fields.unread()), [("b", 2)])

    def test_shown_is_short(self) -> None:
        """A quoted value is cut."""
        self.assertLess(len(shown("x" * 10_000)), 100)

    @given(_json, st.sampled_from(["text", "flag", "integer", "number", "array", "object", "texts", "objects"]))
    def test_never_anything_else(self, value: Any, name: str) -> None:
        """Any JSON value is either read or refused with its path."""
        try:
            getattr(Fields({"k": value}), name)("k")
        except BadRequest as error:
            self.assertTrue((error.param or "").startswith("k"))
