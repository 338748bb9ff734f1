"""The WebSocket of ``/v1/responses``: the same engine as over HTTP, many turns on one connection.

The rules are OpenAI's guide to WebSocket mode and Open Responses 2026-04-24; what carries them is RFC 6455. From the
wire up: ``handshake``, ``wire`` (bytes and messages), ``socket`` (one connection's life), ``session`` (lanes and
turns), ``telling`` (one turn), ``memory`` (what the connection remembers).
"""

from agd.web.websocket.sockets import Sockets

__all__ = ["Sockets"]
