"""Which endpoint a path means."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.web.paths import canonical, path_of

SERVED = {
    "/healthz": ["/healthz", "/healthz/", "//healthz"],
    "/readyz": ["/readyz", "/readyz/"],
    "/v1/chat/completions": [
        "/v1/chat/completions",
        "/chat/completions",
        "/v1/v1/chat/completions",
        "/v1/v1/v1/chat/completions",
        "/v1/chat/completions/",
        "//v1//chat//completions//",
        "v1/chat/completions",
        "/chat/completions/v1/chat/completions",
        "/v1/responses/chat/completions",
        "/v1/completions/chat/completions",
        "/v1/chat/completions/chat/completions",
        "/v1/chat/chat/completions",
        "/v1/chat/completions/v1",
        "/chat/completions/v1/v1/",
    ],
    "/v1/completions": ["/v1/completions", "/completions", "/v1/v1/completions/", "/v1/responses/completions"],
    "/v1/responses": [
        "/v1/responses",
        "/responses/",
        "/v1/v1/responses",
        "/v1/chat/completions/responses",
        "/chat/completions/responses",
        "/v1/chat/completions/v1/responses",
        "/v1/completions/responses",
    ],
    "/v1/models": ["/v1/models", "/models", "/models/", "/v1/v1/models", "/v1/chat/completions/models", "//v1//models"],
    "/v1/models/responses": ["/v1/models/responses", "/models/responses", "/v1/v1/models/responses/"],
    "/v1/models/chat/completions": ["/v1/models/chat/completions"],
    "/v1/models/v1": ["/v1/models/v1"],
    "/v1/models/models": ["/v1/models/models"],
    "/v1/models/models/gemini-2.5-pro": ["/v1/models/models/gemini-2.5-pro", "/models/models/gemini-2.5-pro"],
    "/v1/models/gpt-4o": ["/v1/models/gpt-4o", "/models/gpt-4o", "/v1//models//gpt-4o/", "/v1/v1/models/gpt-4o"],
    "/v1/models/mine": [
        "/v1/chat/completions/models/mine",
        "/v1/responses/models/mine",
        "/v1/v1/responses/models/mine",
    ],
}
POSTED = {
    "/v1/chat/completions": [
        "/v1/models/chat/completions",
        "/models/chat/completions",
        "/v1/models/v1/chat/completions",
    ],
    "/v1/responses": ["/v1/models/responses", "/v1/models/chat/completions/responses", "/v1/models/responses/v1"],
    "/v1/completions": ["/v1/models/completions/"],
    "/v1/models": ["/v1/models/models", "/v1/models/v1"],
    "/v1/models/gpt-4o": ["/v1/models/gpt-4o", "/v1/chat/completions/models/gpt-4o"],
    "/v1/models/other/responses": ["/v1/models/other/responses"],
}
"""What POST means otherwise than GET."""
NOT_SERVED = [
    "/",
    "",
    "/v1",
    "/v2/chat/completions",
    "/v1/chat",
    "/v1/embeddings",
    "/v1/chat/completions/other",
    "/other/chat/completions",
    "/v1/healthz",
    "/healthz/responses",
    "/V1/CHAT/COMPLETIONS",
    "/v1/../healthz",
    "/v1/responses/resp_1",
    "/v1/other/models/gpt-4o",
    "/v1/chat/completions/v1/other",
    "/static",
]
ROUTES = frozenset(SERVED)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
SEGMENTS = st.sampled_from(["v1", "chat", "completions", "responses", "models", "healthz", "readyz", "", "other", ".."])


class CanonicalTests(SynchronousTestCase):
    """``canonical``."""

    def test_served(self) -> None:
        """Every way in which clients are known to write an endpoint leads to its route."""
        for route, paths in SERVED.items():
            for path in paths:
                self.assertEqual(canonical(path, "GET"), route, path)
                if not route.startswith("/v1/models/"):
                    self.assertEqual(canonical(path, "POST"), route, path)

    def test_posted(self) -> None:
        """For POST an endpoint after ``models`` is meant, not a model of that name."""
        for route, paths in POSTED.items():
            for path in paths:
                self.assertEqual(canonical(path, "POST"), route, path)

    def test_not_served(self) -> None:
        """A path with any other word in it, or with too few, leads to no route."""
        for path in NOT_SERVED:
            for method in ("GET", "POST"):
                found = canonical(path, method)
                self.assertNotIn(found, ROUTES, path)
                self.assertFalse(found.startswith("/v1/models/"), path)

    @given(st.lists(SEGMENTS).map("/".join) | st.text(), METHODS)
    def test_stable(self, path: str, method: str) -> None:
        """No path fails, every result begins with one slash, and what is canonical stays as it is."""
        found = canonical(path, method)
        self.assertTrue(found.startswith("/"))
        self.assertNotIn("//", found)
        self.assertEqual(canonical(found, method), found)

    @given(st.lists(st.sampled_from(["v1", "chat", "completions", "responses", "models"])))
    def test_last_named(self, words: list[str]) -> None:
        """A path of known words that ends in an endpoint is that endpoint for POST, whatever stands before."""
        self.assertEqual(canonical("/" + "/".join([*words, "chat", "responses"]), "POST"), "/v1/responses")


class PathOfTests(SynchronousTestCase):
    """``path_of``."""

    def test_forms(self) -> None:
        """The path is what stands before the query; an absolute target has it after its host."""
        forms = {
            b"/v1/models": b"/v1/models",
            b"/v1/models?key=secret": b"/v1/models",
            b"http://127.0.0.1:8045/v1/models?x": b"/v1/models",
            b"HTTPS://host/v1/a%20b": b"/v1/a%20b",
            b"http://host": b"/",
            b"http://host?x=/v1": b"/",
            b"/redirect?to=http://host/v1": b"/redirect",
            b"ftp://host/v1": b"ftp://host/v1",
            b"*": b"*",
            b"host:443": b"host:443",
        }
        for target, path in forms.items():
            self.assertEqual(path_of(target), path)

    @given(st.binary())
    def test_any(self, target: bytes) -> None:
        """No target fails, and no query comes through."""
        self.assertNotIn(b"?", path_of(target))
