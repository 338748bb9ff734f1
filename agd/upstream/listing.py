"""Reading the provider's list of models, page by page.

``models.list`` of the Gemini API (v1beta) tells what each model can do; ``publishers.models.list`` of Vertex AI
(v1beta1) does not, so there the names have to.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure

_OTHER_MODELS = ("embedding", "live")
"""Words in the names of models that do not ``generateContent``."""


@frozen
class Page:
    """One page: the names of its models that can generate, without ``models/``; ``token`` is "" on the last."""

    names: tuple[str, ...]
    token: str


def read_page(body: bytes) -> Page:
    """Read one page. Raises ``UpstreamFailure`` (MALFORMED) for what is no list of models."""
    try:
        page = decode(body)
    except InvalidJSON as error:
        raise _malformed(f"the list of models is not JSON: {error}") from None
    entries = (page.get("models") or page.get("publisherModels") or []) if isinstance(page, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _malformed("the list of models has another shape than documented")
    token = page.get("nextPageToken")
    return Page(
        tuple(name for entry in entries if (name := _name(entry)) and _generates(entry)),
        token if isinstance(token, str) else "",
    )


def _name(entry: dict[str, Any]) -> str:
    name = entry.get("name")
    return name.removeprefix("publishers/google/").removeprefix("models/") if isinstance(name, str) else ""


def _generates(entry: dict[str, Any]) -> bool:
    if "supportedGenerationMethods" not in entry and str(entry.get("name")).startswith("publishers/"):
        name = _name(entry)
        return name.startswith("gemini-") and not any(word in name for word in _OTHER_MODELS)
    methods = entry.get("supportedGenerationMethods")
    return isinstance(methods, list) and "generateContent" in methods


def _malformed(message: str) -> UpstreamFailure:
    return UpstreamFailure(FailureKind.MALFORMED, message)
