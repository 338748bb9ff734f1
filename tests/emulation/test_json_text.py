"""Answers that were asked to be JSON."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.emulation.json_text import MAX_WORDS, fits
from agd.emulation.schema_check import MAX_UNIQUE

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


class FitsTests(SynchronousTestCase):
    """Whether an answer fits its schema."""

    def test_D26_fits(self) -> None:
        """An answer that fits has nothing said of it."""
        self.assertIsNone(fits(CLOSED, '{"n": 1}'))
        self.assertIsNone(fits({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, "null"))

    def test_D26_violations(self) -> None:
        """What does not fit is told by place and keyword, never by what the model said."""
        for text, words in (
            ('{"n": "secret"}', "the schema's 'type' is violated at $.n"),
            ('{"n": 1, "secret": 2}', "the schema's 'additionalProperties' is violated at $"),
            ("{}", "the schema's 'required' is violated at $"),
            ("secret", "the answer is not JSON"),
        ):
            self.assertEqual(fits(CLOSED, text), words)

    def test_D26_words_are_short(self) -> None:
        """A place as long as the model's keys does not make the words long."""
        found = fits({"additionalProperties": {"type": "null"}}, json.dumps({"k" * 9999: 1}))
        self.assertEqual(len(found or ""), MAX_WORDS)

    def test_D26_bad_schemas(self) -> None:
        """A schema that cannot be applied is told as that; nothing is fetched for it."""
        for schema, words in (
            ({"type": "nothing"}, "the schema is not valid"),
            ({"minimum": "a"}, "the schema is not valid"),
            ({"$ref": "https://127.0.0.1:1/schema.json"}, "the schema refers to something outside itself"),
            ({"$ref": "#/$defs/missing"}, "the schema refers to something outside itself"),
            ({"$ref": "#"}, "the schema takes too long to apply"),
        ):
            self.assertEqual(fits(schema, "1"), words)

    def test_D26_schema_that_multiplies(self) -> None:
        """References that double at every level are given up instead of followed for ever."""
        levels = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(40)}
        schema = {"$ref": "#/$defs/l0", "$defs": {**levels, "l40": {}}}
        self.assertEqual(fits(schema, "1"), "the schema takes too long to apply")

    def test_D26_patterns_are_not_run(self) -> None:
        """A pattern that would take for ever is not run, in whichever keyword it stands."""
        evil, text = "(a+)+$", "a" * 200 + "!"
        self.assertIsNone(fits({"pattern": evil}, json.dumps(text)))
        schema = {"patternProperties": {evil: {}}, "additionalProperties": False, "unevaluatedProperties": False}
        self.assertIsNone(fits(schema, json.dumps({text: 1})))
        self.assertIsNone(fits({"pattern": r"\p{Lu}"}, '"A"'))

    def test_D26_unique_items(self) -> None:
        """Items are compared where there are not too many of them."""
        self.assertIsNotNone(fits({"uniqueItems": True}, "[1, 1]"))
        self.assertIsNone(fits({"uniqueItems": True}, json.dumps([1] * (MAX_UNIQUE + 1))))
