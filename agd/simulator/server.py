"""The simulator as a Twisted web site on loopback."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site

from agd.simulator.control import control
from agd.simulator.elsewhere import CodeAssistMethods, TokenEndpoint, VertexModels
from agd.simulator.resources import Models
from agd.simulator.simulation import Simulator

__all__ = ["Simulator", "listen", "make_root", "make_site"]

_BACKLOG = 1024


class _QuietSite(Site):
    """A site that writes no access log: hundreds of lines per second would be its main work."""

    def __init__(self, root: Resource, reactor: Any) -> None:
        Site.__init__(self, root, reactor=reactor)

    def log(self, request: Request) -> None:
        """Write nothing."""


class _Root(Resource):
    """The top of the tree. A method stands behind a colon, which is no border between steps of a path."""

    def getChildWithDefault(self, path: bytes, request: Request) -> Resource:
        """Find ``v1internal`` for ``v1internal:generateContent``."""
        step = path.partition(b":")[0]
        found: Resource = Resource.getChildWithDefault(self, step if step == b"v1internal" else path, request)
        return found


def make_root(simulator: Simulator, clock: IReactorTime) -> Resource:
    """Give the resource tree of all the provider's addresses, and ``/simulator``. Pauses are timed by ``clock``."""
    root, version = _Root(), Resource()
    version.putChild(b"models", Models(simulator, clock))
    root.putChild(b"v1beta", version)
    root.putChild(b"v1beta1", VertexModels(simulator, clock))
    root.putChild(b"v1internal", CodeAssistMethods(simulator, clock))
    root.putChild(b"token", TokenEndpoint(simulator, clock))
    root.putChild(b"simulator", control(simulator))
    return root


def make_site(simulator: Simulator, reactor: Any) -> Site:
    """Give the site of a simulator; ``reactor`` times its pauses and connections."""
    return _QuietSite(make_root(simulator, reactor), reactor)


def listen(reactor: Any, site: Site, port: int = 0) -> Deferred[IListeningPort]:
    """Serve a site on 127.0.0.1; port 0 takes a free one, which ``getHost().port`` of the result names."""
    endpoint = TCP4ServerEndpoint(reactor, port, backlog=_BACKLOG, interface="127.0.0.1")
    listening: Deferred[IListeningPort] = endpoint.listen(site)
    return listening
