"""Pictures, sounds and documents as parts: inside the request, or by an address that the provider itself can read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from agd.conversation import Media, Notice
from agd.errors import BadRequest

_FILES_HOST = "generativelanguage.googleapis.com"
_VIDEO_HOSTS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"})
_IN_RESULTS = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})


def media_part(media: Media) -> dict[str, Any]:
    """Return one part (``inlineData`` or ``fileData``).

    Raises ``BadRequest`` for an address that the provider cannot read, and for data without a type.
    """
    if media.data is not None:
        if not media.mime:
            raise BadRequest("Media has no MIME type, and none can be told from its data.", "messages")
        part: dict[str, Any] = {"inlineData": {"mimeType": media.mime, "data": media.data}}
    else:
        part = {"fileData": _file_data(media)}
    if media.signature:
        part["thoughtSignature"] = media.signature
    return part


def fits_result(media: Media) -> bool:
    """Tell whether the provider takes this media inside a ``functionResponse``, on models that take any."""
    return media.data is not None and media.mime in _IN_RESULTS


def detail_notice(media: Media) -> Notice | None:
    """Return what to say of a level of detail, which the provider is not asked for."""
    if media.detail in {None, "auto"}:
        return None
    return Notice("detail", f"image detail {media.detail!r} is ignored; the provider chooses")


def _file_data(media: Media) -> dict[str, str]:
    uri = media.uri or ""
    if not _readable(uri):
        raise BadRequest("Media must be sent as a data URL, or be a Files API, gs:// or YouTube address.", "messages")
    return {"mimeType": media.mime, "fileUri": uri} if media.mime else {"fileUri": uri}


def _readable(uri: str) -> bool:
    try:
        address = urlsplit(uri)
        host = (address.hostname or "").lower()
    except ValueError:
        return False
    if address.scheme == "gs":
        return bool(host) and len(address.path) > 1
    if address.scheme != "https" or address.username is not None:
        return False
    return host in _VIDEO_HOSTS or (host == _FILES_HOST and "/files/" in address.path)
