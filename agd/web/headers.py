"""Headers as text: what clients send may be any bytes, what they get is printable ASCII."""

from __future__ import annotations

import re
from collections.abc import Callable

from twisted.web.http_headers import Headers

SPENT = Headers()
"""What stays of the headers of a request once all that they say has been read: one for all."""

_SESSION_HEADERS = ("session-id", "x-session-id")
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
"""An id of a client's own that is taken over."""


def texts(headers: Headers, name: str) -> list[str]:
    """Give every value of a request header; bytes that are not UTF-8 come through as lone surrogates."""
    return [value.decode("utf-8", "surrogateescape") for value in headers.getRawHeaders(name.encode(), [])]


def last_text(headers: Headers, name: str) -> str | None:
    """Give the last value of a request header, None when it is not there."""
    values = texts(headers, name)
    return values[-1] if values else None


def printable(text: str) -> str:
    """Replace whatever is not printable ASCII: what comes from a client must not break an answer's head or JSON."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def session(headers: Headers) -> str | None:
    """Give what the headers say of the conversation that a request belongs to: see ``conversation.session``."""
    from agd.conversation.session import HEADER, said  # noqa: PLC0415 - with the first request: idle memory is counted

    values = [value for name in _SESSION_HEADERS for value in texts(headers, name) if value]
    return said(HEADER, values[0]) if values else None


def request_id(headers: Headers, mint: Callable[[], str]) -> str:
    """Give the id that a client chose for its request, or a new one when that is missing, too long or not one word.

    One word of printable ASCII: the id begins a line of the log, and blanks in it could imitate the rest of that line.
    """
    given = last_text(headers, "x-request-id") or ""
    return given if _REQUEST_ID.fullmatch(given) else mint()
