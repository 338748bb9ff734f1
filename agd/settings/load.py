"""From the configuration's text and the environment to ``Settings``, or to everything that is wrong with them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from agd.errors import ConfigurationError, ConfigurationProblem
from agd.settings.account import Account
from agd.settings.credentials import check_account
from agd.settings.exposure import REMEDY
from agd.settings.overrides import (
    Override,
    environment_overrides,
    with_account_of_environment,
    with_overrides,
)
from agd.settings.places import find_configuration
from agd.settings.reading import Reading
from agd.settings.structure import TableOf
from agd.settings.tables import Settings

ENVIRONMENT_SOURCE = "environment"
"""The source named in problems when there is no configuration file."""

_PLACE = re.compile(r"(?P<what>.*) \(at (?P<place>[^()]*)\)", re.DOTALL)


def _no_file(path: str) -> str:
    raise FileNotFoundError(2, "No file can be read here", path)


def read_settings(
    text: str,
    source: str,
    *,
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
    mode_of: Callable[[str], int] | None = None,
    overrides: Iterable[Override] = (),
) -> Settings:
    """Read a configuration in TOML 1.0.

    ``source`` is the file's path: it stands in problems, and relative ``file:`` secrets start from its folder.
    ``read_file`` returns a file's text and raises ``OSError`` or, where it is not text, ``ValueError``; ``mode_of``,
    if given, gives a file's mode, and no secret may stand in what everybody can read. The environment's variables
    override the file, ``overrides`` (the command line's options) override both.
    Raises ``ConfigurationError`` with all problems.
    """
    document = with_account_of_environment(_parse(text, source), environ)
    document = with_overrides(document, (*environment_overrides(environ), *overrides))
    reading = Reading(source, environ, read_file, None if _is_lenient(document) else mode_of)
    settings = TableOf(Settings).read(document, "", reading)
    _check_exposure(reading)
    if reading.problems:
        raise ConfigurationError(source, reading.problems)
    return cast(Settings, settings)


def settings_from_environment(
    environ: Mapping[str, str],
    *,
    read_file: Callable[[str], str] = _no_file,
    mode_of: Callable[[str], int] | None = None,
    overrides: Iterable[Override] = (),
) -> Settings:
    """Return the settings of an agd without a configuration file. Raises ``ConfigurationError``."""
    return read_settings(
        "", ENVIRONMENT_SOURCE, environ=environ, read_file=read_file, mode_of=mode_of, overrides=overrides
    )


def load_settings(
    option: str | None,
    *,
    environ: Mapping[str, str],
    exists: Callable[[str], bool],
    read_file: Callable[[str], str],
    mode_of: Callable[[str], int] | None = None,
    overrides: Iterable[Override] = (),
) -> tuple[str, Settings]:
    """Find the configuration, read it, and return its source and settings; ``option`` is what --config names.

    Raises ``ConfigurationError``, also for a file that cannot be read.
    """
    path = find_configuration(option, environ, exists)
    if path is None:
        settings = settings_from_environment(environ, read_file=read_file, mode_of=mode_of, overrides=overrides)
        return ENVIRONMENT_SOURCE, settings
    text = text_of(path, read_file)
    settings = read_settings(text, path, environ=environ, read_file=read_file, mode_of=mode_of, overrides=overrides)
    return path, settings


def read_account(
    text: str,
    source: str,
    *,
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
    mode_of: Callable[[str], int] | None = None,
) -> Account:
    """Read a file with one account: the keys of ``[[accounts]]``, at its top. Raises ``ConfigurationError``.

    The arguments are those of ``read_settings``; without ``mode_of`` nobody asks who else can read secrets.
    """
    reading = Reading(source, environ, read_file, mode_of)
    account = TableOf(Account, rule=check_account).read(_parse(text, source), "", reading)
    _check_exposure(reading)
    if reading.problems:
        raise ConfigurationError(source, reading.problems)
    return cast(Account, account)


def _is_lenient(document: Mapping[str, Any]) -> bool:
    """Tell whether the operator takes it upon himself who can read secrets; known before anything else is read."""
    proxy = document.get("proxy")
    return isinstance(proxy, Mapping) and proxy.get("allow_readable_secrets") is True


def _check_exposure(reading: Reading) -> None:
    """Note a configuration that everybody can read and that holds a secret itself."""
    if reading.literals and (exposure := reading.exposure_of(reading.source)) is not None:
        found = f"secrets ({', '.join(reading.literals)}) in this file, {exposure}"
        reading.note("file", found, f'{REMEDY}, or secrets as "env:NAME" or "file:PATH"')


def text_of(path: str, read_file: Callable[[str], str]) -> str:
    """Read a file of the configuration. Raises ``ConfigurationError``, which shows nothing of it."""
    try:
        return read_file(path)
    except OSError as error:
        found = error.strerror or "a file that is not readable"
    except ValueError:  # its message and its context quote the content
        found = "a file that is not text in UTF-8"
    raise _whole_file(path, found)


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except ValueError as error:  # TOMLDecodeError, and bare ones such as an integer too long to convert
        message = str(error)
    except RecursionError:
        message = "values nested too deeply"
    match = _PLACE.fullmatch(message)
    place, what = (match["place"], match["what"]) if match else ("file", message)
    raise ConfigurationError(source, (ConfigurationProblem(place, what, "TOML 1.0"),))


def _whole_file(path: str, found: str) -> ConfigurationError:
    return ConfigurationError(path, (ConfigurationProblem("file", found, "a readable TOML file in UTF-8"),))
