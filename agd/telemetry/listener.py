"""The operators' own port: ``/metrics`` and ``/readyz`` over plain HTTP, for a network that only they can reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from agd.encoding import encode

Page = Callable[[], tuple[str, bytes]]
"""Gives content type and body."""


def site(metrics: Page, unready: Callable[[], str | None], reactor: Any) -> Site:
    """Make the server. ``unready`` says why no request could be answered, None: one could."""
    root = Resource()
    root.putChild(b"metrics", _Leaf(lambda: (200, *metrics())))
    root.putChild(b"readyz", _Leaf(lambda: _readiness(unready())))
    made = Site(root, parsePOSTFormSubmission=False, reactor=reactor)
    made.noisy = False
    made.log = lambda request: None  # type: ignore[method-assign]  # scrapes are no requests of clients
    return made


def _readiness(reason: str | None) -> tuple[int, str, bytes]:
    told = {"status": "ready"} if reason is None else {"status": "not ready", "reason": reason}
    return 200 if reason is None else 503, "application/json", encode(told)


class _Leaf(Resource):
    """One page, made anew each time."""

    isLeaf = True

    def __init__(self, make: Callable[[], tuple[int, str, bytes]]) -> None:
        super().__init__()
        self._make = make

    def render_GET(self, request: Request) -> bytes:
        """Give it."""
        status, content_type, body = self._make()
        request.setResponseCode(status)
        request.setHeader("Content-Type", content_type)
        return body
