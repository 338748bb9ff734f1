"""Who is at the other end of a socket, and what the site is told of what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field
from twisted.web.http_headers import Headers

from agd.errors import GatewayError
from agd.gateway import Trail
from agd.web.headers import session
from agd.web.paths import canonical

if TYPE_CHECKING:
    from agd.web.request import Request
    from agd.web.site import Site

_CREDENTIALS = ("authorization", "x-api-key", "x-goog-api-key", "host", "origin")
"""The headers that the door looks at."""


@define(eq=False)
class Visitor:
    """The client of one socket. Its turns have the ids ``HANDSHAKE.1``, ``HANDSHAKE.2`` and so on in the log."""

    site: Site
    owner: str
    _path: str
    _id: str
    _headers: Headers
    _said: str | None
    _turns: int = field(default=0, init=False)

    @classmethod
    def of(cls, request: Request) -> Visitor:
        """Take from the handshake what is needed for longer."""
        headers = Headers()
        for name in _CREDENTIALS:
            headers.setRawHeaders(name, request.requestHeaders.getRawHeaders(name, []))
        _, path = request.summary()
        return cls(
            request.site,
            request.site.door.tenant(headers),
            path,
            request.trail.request_id,
            headers,
            session(request.requestHeaders),
        )

    def check(self) -> None:
        """Check at each turn what the handshake checked: the configuration may have changed since.

        Raises ``GatewayError`` 401 or 403. A key that now has another name is refused as well: what was said on this
        socket belongs to the old one.
        """
        door = self.site.door
        door.check(canonical(self._path, "GET"), self._headers)
        if door.tenant(self._headers) != self.owner:
            message = "This connection was opened for another owner than its key has now: connect again"
            raise GatewayError(401, message, code="invalid_api_key")

    def trail(self) -> Trail:
        """Make the trail of a further turn."""
        self._turns += 1
        began = self.site.clock.seconds()
        return Trail(f"{self._id}.{self._turns}", owner=self.owner, said=self._said, began=began)

    def report(self, status: int, began: float, trail: Trail) -> None:
        """Report a turn that has ended, or a message that was refused."""
        self.site.report("WS", self._path, status, began, trail)
