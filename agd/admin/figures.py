"""The metrics, for a scraper that may use the socket, and for whoever wants to look at them now."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from agd.admin.routes import Plain, Question, Route


@frozen
class Figures:
    """``page`` gives content type and text."""

    page: Callable[[], tuple[str, bytes]]

    def routes(self) -> Iterable[Route]:
        """``GET /metrics``."""
        yield Route("GET", "/metrics", self._show)

    def _show(self, _: Question) -> Plain:
        content_type, text = self.page()
        return Plain(text, content_type)
