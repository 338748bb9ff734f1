"""Counting tokens: what is asked, and what may be answered."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.counting import read_count, write_count
from agd.gemini.requests import write_request
from tests.gateways import prompt

ANY = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


class CountingTests(SynchronousTestCase):
    """One count."""

    def test_K10_wrapped(self) -> None:
        """The Developer API gets the whole request within ``generateContentRequest``, with its model, byte for byte."""
        body = write_request(prompt(), "gemini-2.5-flash").body
        asked = write_count(body, "gemini-2.5-flash")
        wrapped = json.loads(asked)["generateContentRequest"]
        self.assertEqual(wrapped.pop("model"), "models/gemini-2.5-flash")
        self.assertEqual(wrapped, json.loads(body))
        self.assertIn(body[1:], asked)

    def test_total(self) -> None:
        """The total is the count."""
        self.assertEqual(read_count(b'{"totalTokens": 31, "cachedContentTokenCount": 4}'), 31)

    @given(ANY | st.lists(ANY, max_size=2) | st.dictionaries(st.just("totalTokens"), ANY))
    def test_anything_else(self, answer: Any) -> None:
        """Whatever has no whole number as its total is malformed."""
        total = answer.get("totalTokens") if isinstance(answer, dict) else None
        if isinstance(total, int) and not isinstance(total, bool):
            return
        with self.assertRaises(UpstreamFailure) as caught:
            read_count(json.dumps(answer).encode())
        self.assertIs(caught.exception.kind, FailureKind.MALFORMED)
        with self.assertRaises(UpstreamFailure):
            read_count(b"<html>")
