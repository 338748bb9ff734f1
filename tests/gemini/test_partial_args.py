"""Arguments that come in pieces."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.partial_args import PartialArgs


def assemble(*pieces: dict[str, Any]) -> dict[str, Any]:
    """Put pieces together."""
    args = PartialArgs()
    for piece in pieces:
        args.add(piece)
    return args.close()


class PartialArgsTests(SynchronousTestCase):
    """PartialArgs."""

    def test_B27_strings_concatenate(self) -> None:
        """Pieces of one string are joined as long as it continues, then a new value begins."""
        value = assemble(
            {"jsonPath": "$.a", "stringValue": "x", "willContinue": True},
            {"jsonPath": "$.b", "stringValue": "other"},
            {"jsonPath": "$.a", "stringValue": "yz", "willContinue": True},
            {"jsonPath": "$.a", "stringValue": ""},
        )
        self.assertEqual(value, {"a": "xyz", "b": "other"})
        self.assertEqual(
            assemble({"jsonPath": "$.a", "stringValue": "x"}, {"jsonPath": "$.a", "stringValue": "y"}), {"a": "y"}
        )

    def test_B27_a_piece_without_value_ends_a_string(self) -> None:
        """A last piece that holds nothing leaves the string as it is; a value of another kind replaces it."""
        open_string = {"jsonPath": "$.a", "stringValue": "x", "willContinue": True}
        self.assertEqual(assemble(open_string, {"jsonPath": "$.a"}), {"a": "x"})
        self.assertEqual(assemble(open_string, {"jsonPath": "$.a", "nullValue": "NULL_VALUE"}), {"a": None})
        self.assertEqual(assemble(open_string, {"jsonPath": "$.a", "numberValue": 2}), {"a": 2})
        self.assertEqual(assemble(open_string), {"a": "x"})

    def test_B27_whole_arguments_win(self) -> None:
        """Arguments that come whole replace the pieces of the same name and leave the others."""
        args = PartialArgs()
        args.add({"jsonPath": "$.a", "stringValue": "x", "willContinue": True})
        args.add({"jsonPath": "$.b", "stringValue": "y", "willContinue": True})
        args.update({"a": "whole"})
        self.assertEqual(args.close(), {"a": "whole", "b": "y"})

    def test_B27_linear(self) -> None:
        """A string of a hundred thousand pieces is put together in linear time."""
        args = PartialArgs()
        started = time.process_time()
        for _ in range(100_000):
            args.add({"jsonPath": "$.a[0].text", "stringValue": "0123456789", "willContinue": True})
        self.assertEqual(len(args.close()["a"][0]["text"]), 1_000_000)
        self.assertLess(time.process_time() - started, 3)

    def test_scalars(self) -> None:
        """Numbers, truth values and null are themselves; a whole number is written without a fraction."""
        value = assemble(
            {"jsonPath": "$.n", "numberValue": 1.5},
            {"jsonPath": "$.i", "numberValue": 3.0},
            {"jsonPath": "$.t", "boolValue": False},
            {"jsonPath": "$.z", "nullValue": "NULL_VALUE"},
        )
        self.assertEqual(value, {"n": 1.5, "i": 3, "t": False, "z": None})
        self.assertIsInstance(value["i"], int)

    def test_nested(self) -> None:
        """Objects and arrays come into being on the way."""
        value = assemble(
            {"jsonPath": "$.a.b", "stringValue": "1"},
            {"jsonPath": "$.l[0].x", "numberValue": 1},
            {"jsonPath": "$.l[1].x", "numberValue": 2},
            {"jsonPath": "$['it\\'s']['a b']", "boolValue": True},
            {"jsonPath": '$["q\\"q"]', "boolValue": True},
            {"jsonPath": "plain", "boolValue": True},
        )
        self.assertEqual(
            value,
            {
                "a": {"b": "1"},
                "l": [{"x": 1}, {"x": 2}],
                "it's": {"a b": True},
                'q"q': True,
                "plain": True,
            },
        )

    def test_unreadable_paths(self) -> None:
        """A path that cannot be followed is malformed, whatever it is."""
        for path in ("$", "", None, 7, "$.a..b", "$[0]", "$.a[9999999]", "$.l[200000]", "$['x", "$.o[*]", '$["\\x"]'):
            failure = self.assertRaises(UpstreamFailure, assemble, {"jsonPath": path, "boolValue": True})
            self.assertEqual(failure.kind, FailureKind.MALFORMED, path)

    @given(st.text(max_size=20))
    def test_paths_never_crash(self, path: str) -> None:
        """Any path is followed or malformed."""
        try:
            assemble({"jsonPath": path, "stringValue": "x"}, {"jsonPath": "$" + path, "stringValue": "x"})
        except UpstreamFailure as failure:
            self.assertEqual(failure.kind, FailureKind.MALFORMED)
