"""Where the configuration is looked for, and where state is kept."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping

from agd.errors import ConfigurationError, ConfigurationProblem

SYSTEM_CONFIGURATION = "/etc/agd/agd.toml"
"""The last place looked at."""


def find_configuration(option: str | None, environ: Mapping[str, str], exists: Callable[[str], bool]) -> str | None:
    """Return the configuration's path, None when there is none.

    The first of: what ``--config`` names (``option``), what ``$AGD_CONFIG`` names, ``agd/agd.toml`` in
    ``$XDG_CONFIG_HOME`` or else ``~/.config``, ``/etc/agd/agd.toml``. Raises ``ConfigurationError`` when one that
    is named does not exist; the other places are optional.
    """
    if option is not None:
        return _existing(option, "--config", exists)
    if environ.get("AGD_CONFIG"):
        return _existing(environ["AGD_CONFIG"], "env:AGD_CONFIG", exists)
    return next(filter(exists, _usual_places(environ)), None)


def find_state_directory(environ: Mapping[str, str]) -> str | None:
    """Return the folder for what agd keeps between its runs, None when there is no place for one.

    The first of: ``$STATE_DIRECTORY`` (systemd's, of several the first), ``agd`` in ``$XDG_STATE_HOME`` or else in
    ``~/.local/state``. Relative ones count as not set.
    """
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if posixpath.isabs(given):
        return given
    folder = _user_folder(environ, "XDG_STATE_HOME", ".local/state")
    return posixpath.join(folder, "agd") if folder else None


def _existing(path: str, origin: str, exists: Callable[[str], bool]) -> str:
    if exists(path):
        return path
    raise ConfigurationError(path, (ConfigurationProblem(origin, "no such file", "the path of a TOML file"),))


def _usual_places(environ: Mapping[str, str]) -> Iterator[str]:
    folder = _user_folder(environ, "XDG_CONFIG_HOME", ".config")
    if folder:
        yield posixpath.join(folder, "agd", "agd.toml")
    yield SYSTEM_CONFIGURATION


def _user_folder(environ: Mapping[str, str], variable: str, in_home: str) -> str:
    """Return one of the XDG base directories, empty when there is no home either."""
    folder, home = environ.get(variable, ""), environ.get("HOME", "")
    if posixpath.isabs(folder):  # the specification wants relative ones ignored
        return folder
    return posixpath.join(home, in_home) if posixpath.isabs(home) else ""
