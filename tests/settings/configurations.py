"""Reading configurations in tests: an environment and files that are dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agd.errors import ConfigurationError, ConfigurationProblem
from agd.settings import Account, Override, Secret, Settings, read_settings

SOURCE = "/etc/agd/agd.toml"


def read(
    text: str = "",
    environ: Mapping[str, str] | None = None,
    files: Mapping[str, str | Exception] | None = None,
    overrides: Iterable[Override] = (),
) -> Settings:
    """Read a configuration that stands at SOURCE; a file that is an exception raises it."""

    def read_file(path: str) -> str:
        content = (files or {}).get(path, FileNotFoundError(2, "No such file or directory", path))
        if isinstance(content, Exception):
            raise content
        return content

    return read_settings(text, SOURCE, environ=environ or {}, read_file=read_file, overrides=overrides)


def key(settings: Settings, place: int = 0) -> Secret:
    """Give the key of an account that has one."""
    return key_of(settings.accounts[place])


def key_of(account: Account) -> Secret:
    """Give an account's key, which it has."""
    assert account.api_key is not None
    return account.api_key


def problems(
    text: str = "",
    environ: Mapping[str, str] | None = None,
    files: Mapping[str, str | Exception] | None = None,
    overrides: Iterable[Override] = (),
) -> tuple[ConfigurationProblem, ...]:
    """Give what is wrong with a configuration; nothing when it can be read."""
    try:
        read(text, environ, files, overrides)
    except ConfigurationError as error:
        return error.problems
    return ()


def problem(
    text: str = "",
    environ: Mapping[str, str] | None = None,
    files: Mapping[str, str | Exception] | None = None,
) -> ConfigurationProblem:
    """Give the only thing wrong with a configuration."""
    [only] = problems(text, environ, files)
    return only
