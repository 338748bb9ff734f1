"""Images of an answer: entries of ``images``, an extension that several gateways and clients share, or Markdown."""

from __future__ import annotations

from typing import Any

from agd.protocols.media import data_url
from agd.protocols.signatures import extra_content


def image_entry(index: int, mime: str, data: str, signature: str | None = None) -> dict[str, Any]:
    """Return one entry of ``images``; ``signature`` is provider state to give back with the image (C07)."""
    entry = {"type": "image_url", "index": index, "image_url": {"url": data_url(mime, data)}}
    return entry if signature is None else {**entry, "extra_content": extra_content(signature)}


def pictured(mime: str, data: str) -> str:
    """Return an image as Markdown, on a line of its own."""
    return f"\n![image]({data_url(mime, data)})\n"
