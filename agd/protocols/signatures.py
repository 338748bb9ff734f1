"""Provider state beside a part, in Google's own place for it: ``extra_content.google.thought_signature``."""

from __future__ import annotations

from typing import Any

from agd.protocols.fields import Fields


def extra_content(signature: str) -> dict[str, Any]:
    """Return provider state as clients are given it and send it back."""
    return {"google": {"thought_signature": signature}}


def read_google(fields: Fields) -> Fields | None:
    """Return the object ``extra_content.google``, where a client sent one back."""
    extra = fields.object("extra_content")
    return extra.object("google") if extra is not None else None


def read_signature(fields: Fields) -> str | None:
    """Read the signature of one part; both of Google's spellings are understood (B39)."""
    google = read_google(fields)
    return None if google is None else signature_in(google)


def signature_in(google: Fields) -> str | None:
    """Read the signature within Google's object; an empty one is none."""
    return google.text("thought_signature") or google.text("thoughtSignature") or None
