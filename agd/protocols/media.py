"""Media as clients write them: data URLs (RFC 2397), bare base64, links. The disk and the network are never touched."""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import a2b_base64
from urllib.parse import unquote, unquote_to_bytes

from agd.conversation import Media
from agd.errors import BadRequest
from agd.protocols.magic import kind_of

_LINK = re.compile(r"(?:https?|gs)://[^\s/][^\s]*\Z", re.IGNORECASE)
_SPACE = str.maketrans("", "", " \t\r\n\f")
_URL_SAFE = str.maketrans("-_", "+/")

_EXTENSIONS = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "xml": "text/xml",
    "json": "application/json",
    "css": "text/css",
    "rtf": "text/rtf",
    "py": "text/x-python",
    "js": "text/javascript",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "mp4": "video/mp4",
}


def data_url(mime: str, data: str) -> str:
    """Write base64 data as a data URL (RFC 2397)."""
    return f"data:{mime};base64,{data}"


def read_url(url: str, param: str, detail: str | None = None, code: str = "invalid_image_url") -> Media:
    """Read what a client put where a URL belongs: a data URL is taken in, a link is passed on as it stands.

    Raises ``BadRequest`` for anything else, such as a local path or ``file://``.
    """
    if url[:5].lower() == "data:":
        mime, data = _read_data_url(url, param, code)
        return Media(mime, data=data, detail=detail)
    if _LINK.match(url):
        return Media(None, uri=url, detail=detail)
    raise BadRequest(
        f"Invalid '{param}': expected an http(s) URL or a data URL with base64 data.", param=param, code=code
    )


def read_base64(text: str, mime: str | None, param: str, code: str = "invalid_value") -> Media:
    """Read bare base64 of a declared type; bytes that are plainly of another type correct the declaration."""
    raw, data = _normal(text, param, code)
    return Media(_settle(mime, raw, param, code), data=data)


def read_file(text: str, filename: str | None, param: str) -> Media:
    """Read ``file_data``: a data URL, or bare base64 whose type shows in its bytes or in the file's name."""
    if text[:5].lower() == "data:":
        return read_url(text, param, code="invalid_value")
    extension = filename.rpartition(".")[2].lower() if filename else ""
    return read_base64(text, _EXTENSIONS.get(extension), param)


def _read_data_url(url: str, param: str, code: str) -> tuple[str, str]:
    head, comma, body = url[5:].partition(",")
    if not comma:
        raise BadRequest(f"Invalid '{param}': a data URL needs a comma before its data.", param=param, code=code)
    mime, *attributes = (word.strip() for word in head.split(";"))
    if attributes and attributes[-1].lower() == "base64":
        raw, data = _normal(unquote(body) if "%" in body else body, param, code)
    else:
        raw = unquote_to_bytes(body)
        data = b64encode(raw).decode("ascii")
    # RFC 2397: a data URL that names no type is text, unless its bytes say otherwise.
    return _settle(mime.lower() or None, raw, param, code, fallback="text/plain"), data


def _normal(text: str, param: str, code: str) -> tuple[bytes, str]:
    """Return bytes and their standard padded base64; text that is already standard is returned itself."""
    raw = _decoded(text)
    if raw is None:
        text = _standard(text)
        raw = _decoded(text)
    if raw is None:
        raise BadRequest(f"Invalid '{param}': the data is not valid base64.", param=param, code=code)
    if not raw:
        raise BadRequest(f"Invalid '{param}': the data is empty.", param=param, code=code)
    return raw, text


def _decoded(text: str) -> bytes | None:
    """Decode standard padded base64, None when it is not that."""
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError:
        return None


def _standard(text: str) -> str:
    """Write base64 in the standard alphabet, without white space and with its padding."""
    plain = text.translate(_SPACE).translate(_URL_SAFE).rstrip("=")
    return plain + "=" * (-len(plain) % 4)


def _settle(mime: str | None, raw: bytes, param: str, code: str, fallback: str | None = None) -> str:
    settled = kind_of(raw, mime) or fallback
    if settled is None:
        raise BadRequest(f"Invalid '{param}': the type of the data cannot be told.", param=param, code=code)
    return settled
