"""The provider's list of models, well formed or not."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import FailureKind, UpstreamFailure
from agd.upstream.listing import Page, read_page

GENERATES = ["generateContent", "countTokens"]

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["models", "name", "nextPageToken", "supportedGenerationMethods"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def read(document: Any) -> Page:
    """Read a document as a page."""
    return read_page(json.dumps(document).encode())


class PageTests(SynchronousTestCase):
    """One page."""

    def test_names_and_token(self) -> None:
        """Names come without their prefix, in order; the token leads to the next page."""
        entries = [{"name": f"models/{name}", "supportedGenerationMethods": GENERATES} for name in ("b", "a")]
        self.assertEqual(read({"models": entries, "nextPageToken": "t"}), Page(("b", "a"), "t"))

    def test_only_models_that_generate(self) -> None:
        """Embedding models, nameless ones and those that tell no methods are left out."""
        entries = [
            {"name": "models/embedding", "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/", "supportedGenerationMethods": GENERATES},
            {"name": 7, "supportedGenerationMethods": GENERATES},
            {"name": "models/silent", "supportedGenerationMethods": None},
            {"name": "models/plain"},
            {"name": "models/good", "supportedGenerationMethods": GENERATES},
        ]
        self.assertEqual(read({"models": entries}), Page(("good",), ""))

    def test_no_models(self) -> None:
        """An account without any model has an empty list, which proto JSON may leave out."""
        documents: list[Any] = [{}, {"models": []}, {"models": None}]
        for document in documents:
            self.assertEqual(read(document), Page((), ""))

    def test_malformed(self) -> None:
        """What is no list of models is a malformed answer."""
        for body in (b"", b"<html>", b"[]", b"7", b'{"models":5}', b'{"models":{"a":{}}}', b'{"models":["a"]}'):
            with self.assertRaises(UpstreamFailure, msg=repr(body)) as caught:
                read_page(body)
            self.assertIs(caught.exception.kind, FailureKind.MALFORMED)

    @given(ANY)
    def test_any_json(self, document: Any) -> None:
        """No JSON whatever makes reading fail otherwise than as malformed."""
        try:
            page = read(document)
        except UpstreamFailure as failure:
            self.assertIs(failure.kind, FailureKind.MALFORMED)
        else:
            self.assertTrue(all(isinstance(name, str) and name for name in page.names))


class PublisherTests(SynchronousTestCase):
    """Vertex AI's list, which does not say what a model can do."""

    def test_names(self) -> None:
        """Google's own models that generate are told by their names; what embeds, paints or talks live is left out."""
        names = ("gemini-2.5-pro", "gemini-embedding-001", "imagen-4", "gemini-live-2.5-flash", "text-bison")
        entries = [{"name": f"publishers/google/models/{name}", "launchStage": "GA"} for name in names]
        self.assertEqual(read({"publisherModels": entries, "nextPageToken": "t"}), Page(("gemini-2.5-pro",), "t"))
        self.assertEqual(read({}), Page((), ""))
