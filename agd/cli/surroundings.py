"""Where the daemon, its accounts and its configuration are, as far as a command can tell."""

from __future__ import annotations

import argparse
import os
from typing import Any

from attrs import frozen

from agd.cli.socket import Daemon, NoDaemon
from agd.errors import ConfigurationError
from agd.launch import Launch, prepare
from agd.settings import find_state_directory
from agd.settings.admin import Admin, placed

_NOWHERE = "there is no state directory, so no daemon can be found: say --socket PATH"


@frozen
class Surroundings:
    """``launch`` is None where the configuration is wrong as seen from here, ``problem`` says why.

    It may still be right for the daemon, whose environment can be another.
    """

    socket: str | None
    accounts_dir: str | None
    launch: Launch | None
    problem: str = ""

    @classmethod
    def of(cls, options: argparse.Namespace) -> Surroundings:
        """Look around as the options ``--config`` and ``--socket`` say."""
        try:
            launch = prepare(options.config)
        except ConfigurationError as error:
            directory, usual = find_state_directory(os.environ), Admin()
            socket, accounts = placed(usual.socket, directory), placed(usual.accounts_dir, directory)
            return cls(options.socket or socket, accounts, None, str(error))
        return cls(options.socket or launch.admin_socket, launch.accounts_dir, launch)

    @property
    def daemon(self) -> Daemon:
        """The daemon, which may not be running. Raises ``NoDaemon`` where nobody can know where it is."""
        if self.socket is None:
            raise NoDaemon(_NOWHERE)
        return Daemon(self.socket)


def add_surroundings(parser: Any) -> None:
    """Add the options that every command to the daemon has."""
    parser.add_argument(
        "--socket", metavar="PATH", help="the daemon's admin socket; default: as the configuration says"
    )
    parser.add_argument("--config", metavar="FILE", help="default: the one agd would start with")
    parser.add_argument("--json", action="store_true", help="print JSON")
