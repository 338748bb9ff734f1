"""What a file's first bytes say about its type, and the usual names of types that are written in several ways."""

from __future__ import annotations

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mp3"),
)

_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}

_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "application/x-pdf": "application/pdf",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mpeg": "audio/mp3",
    "audio/mpeg3": "audio/mp3",
    "audio/x-mp3": "audio/mp3",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
}

_UNTYPED = {None, "application/octet-stream", "binary/octet-stream"}


def sniff(raw: bytes) -> str | None:
    """Return the type that the first bytes show beyond doubt, or None."""
    for signature, mime in _SIGNATURES:
        if raw.startswith(signature):
            return mime
    if raw[:4] == b"RIFF":
        return _RIFF.get(raw[8:12])
    if raw[4:8] == b"ftyp":
        return _BRANDS.get(raw[8:12])
    return None


def kind_of(raw: bytes, declared: str | None) -> str | None:
    """Return the type of data: what its bytes show, else what the client declared under its usual name.

    Declared text and video stay what the client says: their bytes may begin in any way, and a container's brand
    does not tell sound from pictures.
    """
    if declared is not None and declared.startswith(("text/", "video/")):
        return declared
    found = sniff(raw)
    if found is not None:
        return found
    if declared is None or declared in _UNTYPED:
        return None
    return _ALIASES.get(declared, declared)
