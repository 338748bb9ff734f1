"""``twistd agd``: options, and the service they make. The only file that imports the reactor."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define
from twisted.application.service import Application, IService, MultiService, Service
from twisted.application.strports import service as listen_on
from twisted.internet.defer import succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from twisted.python import usage

from agd import __version__, footprint  # noqa: F401 - footprint works by being imported before all that follows
from agd.accounts.account import Account
from agd.admin import Part
from agd.admin.service import AdminService
from agd.daemon import Daemon
from agd.errors import ConfigurationError
from agd.launch import Launch, prepare
from agd.reloading import ReloadService, WatchService
from agd.services import CatalogueService, DrainService, MetricsService, StateService, StoreService
from agd.settings import effective_auth_mode
from agd.settings.overrides import Override
from agd.settings.telemetry import MetricsTable
from agd.steadiness import steady

_log = Logger("agd")

_SIMULATED_KEYS = ("sim-key-1", "sim-key-2")


class Options(usage.Options):
    """Options of ``twistd agd``; they override the environment, which overrides the configuration file."""

    synopsis = "[options]"
    longdesc = "A gateway that answers OpenAI clients from Gemini models through a pool of accounts."
    optParameters = [
        ["port", "p", None, "TCP port (default: 8045)"],
        ["config", "c", None, "configuration file (default: $AGD_CONFIG, ~/.config/agd/agd.toml, /etc/agd/agd.toml)"],
    ]
    optFlags = [["simulate", None, "answer from a built-in simulated upstream instead of real accounts"]]
    launch: Launch

    def __init__(self) -> None:
        usage.Options.__init__(self)
        self["listen"] = []

    def opt_listen(self, description: str) -> None:
        """Endpoint to listen on, such as tcp:8045:interface=127.0.0.1 or unix:/run/agd/agd.sock; may be repeated."""
        self["listen"].append(description)

    opt_l = opt_listen

    def opt_version(self) -> None:
        """Print agd's version."""
        sys.stdout.write(f"agd {__version__}\n")
        sys.exit(0)

    def postOptions(self) -> None:
        """Find and check the configuration, so that a wrong one is a usage error and never a traceback."""
        if self["port"] is not None and self["listen"]:
            raise usage.UsageError("--port and --listen exclude each other: give the port within --listen")
        for description in self["listen"]:
            _check_endpoint(description)
        try:
            self.launch = self.prepare()
        except ConfigurationError as error:
            raise usage.UsageError(str(error)) from None
        if self.launch.settings.metrics.listen is not None:
            _check_endpoint(self.launch.settings.metrics.listen, "metrics.listen")

    def prepare(self) -> Launch:
        """Read the configuration as it is now. Raises ``ConfigurationError``."""
        port = self["port"]
        overrides = [Override("--port", "proxy", "port", port)] if port is not None else []
        return prepare(self["config"], overrides=overrides, listen=self["listen"])


def _check_endpoint(description: str, place: str = "--listen") -> None:
    """Raise ``UsageError`` for what is no endpoint; what its parsers raise is not documented, these were seen."""
    from twisted.internet import reactor

    try:
        serverFromString(reactor, description)
    except (ValueError, TypeError, LookupError, OSError) as error:
        allowed = "a Twisted server endpoint, such as tcp:8045:interface=127.0.0.1 or unix:/run/agd/agd.sock"
        raise usage.UsageError(f"{place}: found {description!r} ({error}); allowed: {allowed}") from None


@define(eq=False)
class _Simulation(Service):
    """A simulated upstream on a loopback port, and the accounts that are asked there."""

    _daemon: Daemon
    _reactor: Any
    _port: Any = None
    name = "simulation"

    def startService(self) -> None:
        """Listen, then let the daemon ask there and nowhere else."""
        from agd.simulator.server import Simulator, make_site  # noqa: PLC0415 - only when simulating

        super().startService()
        site = make_site(Simulator(keys=_SIMULATED_KEYS), self._reactor)
        self._port = self._reactor.listenTCP(0, site, interface="127.0.0.1")
        self.take_over()
        _log.warn("SIMULATED ANSWERS: no model is asked; accounts and answers are made up")

    def take_over(self) -> None:
        """Let the daemon ask the simulated accounts, whatever others a configuration gave it."""
        base_url = f"http://127.0.0.1:{self._port.getHost().port}"
        self._daemon.use_accounts(
            tuple(
                Account.of_key(f"simulated-{n}@example.com", base_url, key) for n, key in enumerate(_SIMULATED_KEYS, 1)
            )
        )

    def stopService(self) -> Any:
        """Stop listening."""
        super().stopService()
        return self._port.stopListening() if self._port is not None else None


def makeService(options: Options) -> IService:
    """Make the daemon's service from checked options."""
    from twisted.internet import reactor

    if not steady(reactor):
        _log.warn("the reactor counts by the time of day: a clock that is set back makes rests and time limits longer")
    launch = options.launch
    daemon = Daemon.build(launch, reactor)
    root = MultiService()
    root.setName("agd")
    simulation = _Simulation(daemon, reactor) if options["simulate"] else None
    catalogue = CatalogueService(daemon, reactor)

    def reloaded() -> None:
        if simulation is not None:
            simulation.take_over()
        catalogue.refresh()

    simulated = simulation is not None
    # As at the start: the accounts that a simulation has no need of are not missed.
    reload = ReloadService(daemon, reactor, launch, options.prepare, reloaded, warns=not simulated)
    # Made-up accounts are nothing to remember.
    state = None if simulated else StateService(daemon, reactor)
    drain = DrainService(daemon, reactor, lambda: reload.launch.settings.proxy.drain_seconds, keeps=not simulated)
    parts: list[Any] = [simulation] if simulation is not None else []
    parts += [
        _Announcement(launch, daemon, simulated=simulated),
        StoreService(daemon),
        *([] if state is None else [state]),
        drain,
        reload,
        WatchService(reload, reactor),
        catalogue,
    ]
    parts += [
        Listener(description, listen_on(description, daemon.site, reactor=reactor)) for description in launch.listeners
    ]
    parts += _metrics(daemon, launch.settings.metrics, reactor)
    if launch.admin_socket is not None:
        parts.append(AdminService(launch.admin_socket, lambda: _admin_parts(daemon, reload, state), reactor))
    for part in parts:
        part.setServiceParent(root)
    return root


def _metrics(daemon: Daemon, table: MetricsTable, reactor: Any) -> list[IService]:
    """Make what counts, and the operators' port if they want one."""
    counting: list[IService] = [MetricsService(daemon, wanted=table.public or table.listen is not None)]
    if table.listen is None:
        return counting
    from agd.telemetry.listener import site  # noqa: PLC0415 - most daemons have no such port

    operators = site(lambda: daemon.telemetry.metrics().page(), daemon.unready, reactor)
    return [*counting, Listener(table.listen, listen_on(table.listen, operators, reactor=reactor))]


def _admin_parts(daemon: Daemon, reload: ReloadService, state: StateService | None) -> Iterable[Part]:
    """Make what the admin socket offers, loaded when it is first asked."""
    from agd.admin.accounts import Accounts  # noqa: PLC0415 - see above
    from agd.admin.choices import Choices  # noqa: PLC0415
    from agd.admin.figures import Figures  # noqa: PLC0415
    from agd.admin.keys import Keys  # noqa: PLC0415
    from agd.admin.life import Life  # noqa: PLC0415
    from agd.upstream.inspection import Inspector  # noqa: PLC0415

    gateway = daemon.gateway
    now = gateway.clock.seconds
    keep = (lambda: succeed(None)) if state is None else state.put_down
    inspector = Inspector(daemon.ways, gateway.upstream.tokens, gateway.clock, str)
    return [
        Life(lambda: _status(daemon, reload.launch), reload.take),
        Accounts(gateway.pool, inspector.models, inspector.ask, now, time.time, keep),
        Choices(gateway, now),
        Figures(lambda: daemon.telemetry.metrics().page()),
        Keys(daemon.clientele, lambda: daemon.site.door.mode != "off", lambda: daemon.store.place.path is not None),
    ]


def _status(daemon: Daemon, launch: Launch) -> Mapping[str, Any]:
    """Describe the running daemon."""
    return {
        "version": __version__,
        "pid": os.getpid(),
        "source": launch.source,
        "listeners": list(launch.listeners),
        "state_directory": launch.state_directory,
        "store": launch.store_path,
        "accounts_dir": launch.accounts_dir,
        "accounts": len(daemon.gateway.pool.accounts),
        "not_ready": daemon.gateway.pool.unready(),
    }


@define(eq=False)
class Listener(Service):
    """A listening port; one that cannot be had ends the process with a sentence instead of a traceback."""

    _description: str
    _port: Any

    def privilegedStartService(self) -> None:
        """Bind. Raises ``SystemExit``."""
        try:
            self._port.privilegedStartService()
        except (CannotListenError, OSError) as error:
            cause = getattr(error, "socketError", error)
            raise SystemExit(f"agd cannot listen on {self._description}: {cause}") from None

    def startService(self) -> None:
        """Serve."""
        super().startService()
        self._port.startService()

    def stopService(self) -> Any:
        """Stop listening; connections stay until they are drained."""
        super().stopService()
        return self._port.stopService()


def application() -> Any:
    """Make the application for ``twistd -y agd.tac``: settings come from the environment and the usual files."""
    options = Options()
    try:
        options.parseOptions([])
    except usage.UsageError as error:
        raise SystemExit(str(error)) from None
    app = Application("agd")
    makeService(options).setServiceParent(app)
    return app


@define(eq=False)
class _Announcement(Service):
    """Tells at the start what runs: from which configuration, where, for whom."""

    _launch: Launch
    _daemon: Daemon
    _simulated: bool
    name = "announcement"

    def startService(self) -> None:
        """Say it once."""
        super().startService()
        launch, accounts = self._launch, self._daemon.gateway.pool.accounts
        _log.info(
            "agd {version} from {source}: {accounts} account(s), auth {auth}, listening on {listeners}",
            version=__version__,
            source=launch.source,
            accounts=len(accounts),
            auth=effective_auth_mode(launch.settings, launch.loopback_only),
            listeners=", ".join(launch.listeners),
        )
        for warning in () if self._simulated else launch.warnings:
            _log.warn("{words}", words=warning)
        if launch.missing_socket is not None:
            _log.warn("{words}", words=launch.missing_socket)
