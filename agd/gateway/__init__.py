"""The heart: route, lease, send, judge, rotate."""

from agd.gateway.gateway import Gateway
from agd.gateway.trail import Observer, Trail

__all__ = ["Gateway", "Observer", "Trail"]
