"""A request's body as it was meant: of the right type, and with its compression taken off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agd.errors import BadRequest, GatewayError
from agd.web.headers import last_text, printable

if TYPE_CHECKING:
    from agd.web.request import Request


def json_body(request: Request) -> bytes:
    """Give the bytes of the JSON that the client means.

    Raises ``GatewayError``: 415 for a body that says it is something else, 413 for one that is too large once it is
    inflated (H15), 400 for one that is not compressed as it says.
    """
    _check_type(request)
    coding = _header(request, "content-encoding", "identity")
    if coding == "identity":
        return request.take_body()
    if coding not in {"gzip", "x-gzip", "deflate"}:
        message = f"Content-Encoding '{coding[:100]}' is not supported: send gzip, deflate or the body as it is"
        accepted = (("Accept-Encoding", "gzip, deflate"),)
        raise GatewayError(415, message, code="unsupported_content_encoding", headers=accepted)
    return _inflated(request)


def _check_type(request: Request) -> None:
    content_type = _header(request, "content-type", "application/json").partition(";")[0].strip()
    if content_type != "application/json" and not content_type.endswith("+json"):
        message = f"Content-Type '{content_type[:100]}' is not supported: send application/json"
        raise GatewayError(415, message, code="unsupported_media_type")


def _inflated(request: Request) -> bytes:
    from agd.web.inflation import Inflater, InflationError  # noqa: PLC0415 - most bodies come as they are

    inflater, body, limit = Inflater(), bytearray(), request.site.max_body_bytes
    try:
        for piece in inflater.feed(request.take_body()):
            body += piece
            if len(body) > limit:
                raise request.site.too_large()
        inflater.close()
    except InflationError as error:
        raise BadRequest(f"The request body cannot be read: {error}", code="invalid_content_encoding") from None
    return bytes(body)


def _header(request: Request, name: str, default: str) -> str:
    return printable(last_text(request.requestHeaders, name) or default).strip().lower()
