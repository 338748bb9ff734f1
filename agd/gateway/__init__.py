"""The heart: route, lease, send, judge, rotate."""

from agd.gateway.gateway import Gateway, Source
from agd.gateway.trail import Observer, Trail

__all__ = ["Gateway", "Observer", "Source", "Trail"]
