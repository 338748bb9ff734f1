"""The heart: route, lease, send, judge, rotate."""

from agd.gateway.gateway import Gateway
from agd.gateway.trail import Attempt, Observer, Trail

__all__ = ["Attempt", "Gateway", "Observer", "Trail"]
