"""What a token endpoint answers, as it may be written."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import UpstreamFailure
from agd.gemini.durations import LONGEST
from agd.upstream.exchange import read_token
from agd.upstream.grants import USUAL_LIFETIME


class ReadTests(SynchronousTestCase):
    """``read_token``."""

    def test_lifetimes(self) -> None:
        """A lifetime is read as a number or as text; one that is none is the usual one, and none is endless."""
        nothing: list[object] = [0, -1, True, None, "soon", [], {}]
        lifetimes: list[tuple[object, float]] = [(300, 300.0), ("300", 300.0), (0.5, 0.5), (10**400, LONGEST)]
        for told, lifetime in (*lifetimes, *((each, USUAL_LIFETIME) for each in nothing)):
            token = read_token(json.dumps({"access_token": "made-up", "expires_in": told}).encode(), 7.0)
            self.assertEqual((token.secret, token.lifetime), ("made-up", lifetime), told)

    @given(st.binary())
    def test_garbage(self, said: bytes) -> None:
        """What holds no token is told as such."""
        self.assertRaises(UpstreamFailure, read_token, said, 0.0)
