"""What the daemon would do with client keys, done in its store while no daemon runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, execute
from twisted.python.failure import Failure

from agd.admin.keys import Keys
from agd.admin.routes import Question, Route
from agd.cli.socket import NoDaemon, Refused
from agd.clientele import Clientele
from agd.errors import GatewayError, StoreError
from agd.keys.turnstile import Turnstile
from agd.launch import Launch
from agd.protocols.errors import error_object
from agd.settings import effective_auth_mode
from agd.store.clients import ClientStore, read_all
from agd.store.database import open_database
from agd.store.worker import Worker


@frozen
class Offline:
    """Answers as ``agd.cli.socket.Daemon`` does."""

    _routes: dict[tuple[str, str], Route]

    def get(self, path: str) -> Any:
        """Ask for something. Raises ``Refused``."""
        return self._ask(self._routes["GET", path], Question())

    def post(self, path: str, **body: object) -> Any:
        """Have something done. Raises ``Refused``."""
        return self._ask(self._routes["POST", path], Question(body=body))

    def _ask(self, route: Route, question: Question) -> Any:
        async def answer() -> Any:
            found: Any = route.answer(question)
            return await found if hasattr(found, "__await__") else found

        results: list[Any] = []
        Deferred.fromCoroutine(answer()).addBoth(results.append)
        [result] = results  # there are no threads, so nothing is ever waited for
        if not isinstance(result, Failure):
            return result
        error = result.value
        if isinstance(error, GatewayError):
            raise Refused(error.message, error_object(error)["error"])
        return result.raiseException()


@contextmanager
def offline(launch: Launch) -> Iterator[Offline]:
    """Open the store of a configuration. Raises ``NoDaemon`` where that is of no use or cannot be done."""
    if launch.store_path is None:
        raise NoDaemon("no daemon runs, and the store is off: keys would be kept nowhere")
    try:
        database = open_database(launch.store_path)
    except StoreError as error:
        raise NoDaemon(str(error)) from None
    try:
        worker = Worker(execute)
        worker.open(database)
        clientele = Clientele(Turnstile(), ClientStore(worker), time.time, os.urandom)
        clientele.configure(launch.settings)
        clientele.load(database.ask(read_all))
        asks = effective_auth_mode(launch.settings, launch.loopback_only) != "off"
        routes = Keys(clientele, lambda: asks, lambda: True).routes()
        yield Offline({(route.method, route.path): route for route in routes})
    finally:
        database.close()
