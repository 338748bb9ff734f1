"""What a daemon starts with: the settings found and checked as a whole, and where to listen."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import define, evolve, field, frozen

from agd.errors import ConfigurationError, ConfigurationProblem
from agd.folder import read_folder, repeated
from agd.gemini.models import Overrides, check_overrides
from agd.listeners import Stack, is_loopback, listeners
from agd.roster import account_problems
from agd.routing import check_mapping
from agd.settings import Settings, check_auth, find_state_directory, load_settings, warnings
from agd.settings.admin import placed
from agd.settings.overrides import Override
from agd.settings.reading import Reading
from agd.settings.store import OFF

_TRAITS = "what is known of a model, in the types of the bundled table agd/gemini/models.toml"

LONGEST_SOCKET = 107
"""Bytes of a unix socket's path (``sun_path`` in unix(7), with its end)."""


@frozen
class Launch:
    """A sound configuration. ``source`` is its file or ``environment``.

    ``store_path`` is the database's absolute path, None when the store is off; ``state_directory`` is the folder for
    what else is kept between runs, None when there is no place for one.
    """

    source: str
    settings: Settings
    listeners: tuple[str, ...]
    state_directory: str | None = None
    store_path: str | None = None
    sources: tuple[str, ...] = ()
    """For each account the file it stands in, empty for the configuration's own."""
    files: tuple[str, ...] = ()
    """Every file that was read, and the folder of the accounts."""

    @property
    def accounts_dir(self) -> str | None:
        """The absolute path of the folder of accounts, None when there is none."""
        return placed(self.settings.admin.accounts_dir, self.state_directory)

    @property
    def admin_socket(self) -> str | None:
        """The absolute path of the admin socket, None when there is none, or can be none."""
        path = placed(self.settings.admin.socket, self.state_directory)
        return None if path is None or len(os.fsencode(path)) > LONGEST_SOCKET else path

    def started_as(self, before: Launch) -> Launch:
        """Return these settings for a daemon that was started with others: what is opened at the start stays so."""
        admin = evolve(self.settings.admin, socket=before.settings.admin.socket)
        return evolve(
            self,
            settings=evolve(self.settings, admin=admin),
            listeners=before.listeners,
            state_directory=before.state_directory,
            store_path=before.store_path,
        )

    @property
    def loopback_only(self) -> bool:
        """Whether no other machine can reach any listener."""
        return all(map(is_loopback, self.listeners))

    def reading(self, place: int = 0, environ: Mapping[str, str] | None = None) -> Reading:
        """Begin to read again a secret of the account at a place: the same files, under the same conditions."""
        lenient = self.settings.proxy.allow_readable_secrets
        environ = os.environ if environ is None else environ
        source = self.sources[place] if place < len(self.sources) else ""
        return Reading(source or self.source, environ, read_text, None if lenient else read_mode)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the operator should know, a sentence each."""
        return warnings(self.settings, self.loopback_only)

    @property
    def missing_socket(self) -> str | None:
        """Why there is no admin socket although one is wanted."""
        if self.admin_socket is not None or self.settings.admin.socket == OFF:
            return None
        needs = f"a state directory, and a path of at most {LONGEST_SOCKET} bytes"
        return f'there is no admin socket: "{self.settings.admin.socket}" needs {needs}; see admin.socket'


def prepare(
    file: str | None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Iterable[Override] = (),
    listen: Sequence[str] = (),
) -> Launch:
    """Find, read and check the configuration; ``environ`` is the process's own by default.

    Raises ``ConfigurationError`` with everything that is wrong.
    """
    files = _Files()
    try:
        return _prepared(file, os.environ if environ is None else environ, overrides, listen, files)
    except ConfigurationError as error:
        error.files = tuple(files.read)
        raise


@define
class _Files:
    """Reads files and remembers which: also those that could not be read may change."""

    read: dict[str, None] = field(factory=dict)

    def text(self, path: str) -> str:
        """Read a file. Raises ``OSError`` or ``ValueError``."""
        self.read[path] = None
        return read_text(path)


def _prepared(
    file: str | None, environ: Mapping[str, str], overrides: Iterable[Override], listen: Sequence[str], files: _Files
) -> Launch:
    source, main = load_settings(
        file, environ=environ, exists=os.path.exists, read_file=files.text, mode_of=read_mode, overrides=overrides
    )
    directory = find_state_directory(environ)
    path = main.store.file(directory)
    directory = directory or _folder_of(path)
    accounts_dir = placed(main.admin.accounts_dir, directory)
    lenient = main.proxy.allow_readable_secrets
    folder = read_folder(accounts_dir, Reading(source, environ, files.text, None if lenient else read_mode))
    settings = evolve(main, accounts=(*main.accounts, *folder.accounts))
    sources = (*("" for _ in main.accounts), *folder.sources)
    if accounts_dir is not None:
        files.read[accounts_dir] = None
    launch = Launch(
        source, settings, listeners(settings, listen, _stack()), directory, path, sources, tuple(files.read)
    )
    problems = [
        *_auth_problems(launch),
        *_store_problems(launch),
        *check_mapping(settings.proxy.custom_mapping, settings.proxy.default_model),
        *_model_problems(settings.models),
        *account_problems(settings, sources),
        *folder.problems,
        *repeated(settings.accounts, sources),
    ]
    if problems:
        raise ConfigurationError(source, problems)
    return launch


def read_text(path: str) -> str:
    """Read a file in UTF-8. Raises ``OSError`` or ``ValueError``."""
    return Path(path).read_text(encoding="utf-8")


def _folder_of(path: str | None) -> str | None:
    """Return where state is kept that has no other place: beside the database."""
    return None if path is None or not os.path.isabs(path) else os.path.dirname(path)


def _store_problems(launch: Launch) -> tuple[ConfigurationProblem, ...]:
    path = launch.store_path
    if path is None or os.path.isabs(path):
        return ()
    found = f'"{path}", which starts from a state directory, and none is known'
    allowed = 'an absolute path, or "off"; else $STATE_DIRECTORY, $XDG_STATE_HOME or $HOME must be set'
    return (ConfigurationProblem("store.path", found, allowed),)


def read_mode(path: str) -> int:
    """Give a file's mode, links followed. Raises ``OSError``."""
    return Path(path).stat().st_mode


def _auth_problems(launch: Launch) -> tuple[ConfigurationProblem, ...]:
    try:
        check_auth(launch.settings, launch.loopback_only, launch.source)
    except ConfigurationError as error:
        return error.problems
    return ()


def _model_problems(overrides: Overrides) -> Iterable[ConfigurationProblem]:
    """Tell what is wrong with the tables of ``models``, each under its own name."""
    for prefix, traits in overrides.items():
        for words in check_overrides({prefix: traits}):
            yield ConfigurationProblem(f'models."{prefix}"', words.removeprefix(prefix).lstrip(".: "), _TRAITS)


def _stack() -> Stack:
    """Look what the machine can bind: some containers have no IPv6 at all."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            # Asked before the bind: once bound to ::1, Linux reports 1 whatever a socket bound to :: would do.
            separate = probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            probe.bind(("::1", 0))
            return "separate" if separate else "dual"
    except OSError:
        return "ipv4"
