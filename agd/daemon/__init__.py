"""A running agd, put together."""

from agd.daemon.daemon import Daemon

__all__ = ["Daemon"]
