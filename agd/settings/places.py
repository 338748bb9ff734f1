"""Where the configuration is looked for."""

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


def _existing(path: str, origin: str, exists: Callable[[str], bool]) -> str:
    if exists(path):
        return path
    raise ConfigurationError(path, (ConfigurationProblem(origin, "no such file", "the path of a TOML file"),))


def _usual_places(environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME", "")
    folder = environ.get("XDG_CONFIG_HOME", "")
    if not posixpath.isabs(folder):  # the XDG specification wants relative ones ignored
        folder = posixpath.join(home, ".config") if posixpath.isabs(home) else ""
    if folder:
        yield posixpath.join(folder, "agd", "agd.toml")
    yield SYSTEM_CONFIGURATION
