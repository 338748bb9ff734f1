"""How the daemon is, and reading its configuration again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from agd.admin.routes import Question, Route
from agd.errors import ConfigurationError, GatewayError


@frozen
class Life:
    """``status`` describes the daemon; ``reload`` reads the configuration again, or raises ``ConfigurationError``."""

    status: Callable[[], Mapping[str, Any]]
    reload: Callable[[], object]

    def routes(self) -> Iterable[Route]:
        """``GET /status``, ``POST /reload``."""
        yield Route("GET", "/status", lambda _: self.status())
        yield Route("POST", "/reload", self._reload)

    def _reload(self, _: Question) -> Mapping[str, Any]:
        try:
            self.reload()
        except ConfigurationError as error:
            raise GatewayError(422, str(error), code="wrong_configuration") from None
        return {"reloaded": True, **self.status()}
