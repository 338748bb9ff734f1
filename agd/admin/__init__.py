"""What the operator's commands ask the running daemon, over a unix socket of the daemon's user, never over the network.

HTTP with JSON on both sides. A room that has something to tell or to do hands in a ``Part``; ``service`` listens.
"""

from agd.admin.routes import Part, Plain, Question, Route

__all__ = ["Part", "Plain", "Question", "Route"]
