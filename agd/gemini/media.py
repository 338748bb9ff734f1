"""Pictures, sounds and documents as parts: inside the request, or by an address that the provider itself can read."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from agd.conversation import Media
from agd.errors import BadRequest, GatewayError
from agd.gemini.models import Family

Address = Literal["files", "bucket", "video"]

_FILES_HOST = "generativelanguage.googleapis.com"
_VIDEO_HOSTS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"})
_IN_RESULTS = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})
_RESOLUTIONS = {
    "low": "MEDIA_RESOLUTION_LOW",
    "medium": "MEDIA_RESOLUTION_MEDIUM",
    "high": "MEDIA_RESOLUTION_HIGH",
    "original": "MEDIA_RESOLUTION_ULTRA_HIGH",
}
"""OpenAI's detail of an image; ``original`` is every pixel there is, the provider's highest, for single parts only."""


def media_part(media: Media, family: Family) -> dict[str, Any]:
    """Return one part (``inlineData`` or ``fileData``). A type that nobody named is left out, not made up.

    Raises ``BadRequest`` for an address that the provider cannot read, for data without a type, and for a kind of
    media that the model does not read.
    """
    if media.data is not None:
        if not media.mime:
            raise BadRequest("Media has no MIME type, and none can be told from its data.", "messages")
        part: dict[str, Any] = {"inlineData": {"mimeType": media.mime, "data": media.data}}
    else:
        part = {"fileData": _file_data(media)}
    _check_kind(media, family)
    if media.signature:
        part["thoughtSignature"] = media.signature
    return part


def readable_address(uri: str) -> Address | None:
    """Tell how the provider reads an address itself; None: it does not."""
    try:
        address = urlsplit(uri)
        host = (address.hostname or "").lower()
    except ValueError:
        return None
    if address.scheme == "gs":
        return "bucket" if host and len(address.path) > 1 else None
    if address.scheme != "https" or address.username is not None:
        return None
    if host in _VIDEO_HOSTS:
        return "video"
    return "files" if host == _FILES_HOST and "/files/" in address.path else None


def fits_result(media: Media) -> bool:
    """Tell whether the provider takes this media inside a ``functionResponse``, on models that take any."""
    return media.data is not None and media.mime in _IN_RESULTS


def resolution(media: Media, family: Family) -> str | None:
    """Return the provider's ``mediaResolution`` for a level of detail; None for ``auto`` and what it cannot be told."""
    if media.detail == "original" and family.media_resolution == "request":
        return _RESOLUTIONS["high"]
    return _RESOLUTIONS.get(media.detail or "")


def check_size(total: int, family: Family) -> None:
    """Raise a ``GatewayError`` (413) when the base64 inside a request is more than the provider takes."""
    if total > family.inline_limit:
        raise GatewayError(
            413,
            f"The media in the request are {total} bytes of base64; the model takes {family.inline_limit}.",
            code="request_too_large",
            param="messages",
        )


def _file_data(media: Media) -> dict[str, str]:
    uri = media.uri or ""
    if readable_address(uri) is None:
        raise BadRequest(
            "Media must be sent as a data URL, or be a Files API, gs:// or YouTube address.",
            "messages",
            "invalid_image_url",
        )
    return {"mimeType": media.mime, "fileUri": uri} if media.mime else {"fileUri": uri}


def _check_kind(media: Media, family: Family) -> None:
    video = media.data is None and readable_address(media.uri or "") == "video"
    kind = "video" if video else (media.mime or "").partition("/")[0]
    if kind and kind not in family.media:
        raise BadRequest(f"The model does not read {kind} media.", "messages")
