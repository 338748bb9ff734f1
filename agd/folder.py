"""The folder ``accounts_dir``: a file ``NAME.toml`` for each account, with the keys of ``[[accounts]]``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import mkstemp

from attrs import frozen

from agd.errors import ConfigurationError, ConfigurationProblem
from agd.settings import Account
from agd.settings.load import read_account, text_of
from agd.settings.reading import Reading, quoted

SUFFIX = ".toml"


@frozen
class Folder:
    """What the files of the folder say: accounts with the files they stand in, and what is wrong with others."""

    accounts: tuple[Account, ...] = ()
    sources: tuple[str, ...] = ()
    problems: tuple[ConfigurationProblem, ...] = ()


def read_folder(path: str | None, reading: Reading) -> Folder:
    """Read all files, by name; none where there is no folder. ``reading`` gives the ways of reading."""
    accounts, sources = [], []
    problems: list[ConfigurationProblem] = []
    try:
        files = files_of(path)
    except ConfigurationError as error:
        return Folder(problems=tuple(problems_of(error)))
    for file in files:
        try:
            accounts.append(read_file(file, reading))
            sources.append(file)
        except ConfigurationError as error:
            problems += problems_of(error)
    return Folder(tuple(accounts), tuple(sources), tuple(problems))


def read_file(file: str, reading: Reading) -> Account:
    """Read one file. Raises ``ConfigurationError``."""
    text = text_of(file, reading.read_file)
    return read_account(text, file, environ=reading.environ, read_file=reading.read_file, mode_of=reading.mode_of)


def files_of(path: str | None) -> list[str]:
    """Return the files of a folder, by name, none where there is no folder; with a dot before it one is being written.

    Raises ``ConfigurationError`` for a folder that cannot be read: to take it for an empty one would lose its accounts.
    """
    try:
        names = [] if path is None else os.listdir(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        found = error.strerror or "a folder that is not readable"
        raise ConfigurationError(path or "", [ConfigurationProblem("folder", found, "a readable folder")]) from None
    return [os.path.join(path or "", name) for name in sorted(names) if _counts(name)]


def problems_of(error: ConfigurationError) -> Iterator[ConfigurationProblem]:
    """Return an error's problems, each with its file."""
    for each in error.problems:
        yield ConfigurationProblem(each.path, each.found, each.allowed, each.source or error.source)


def repeated(accounts: Iterable[Account], sources: Iterable[str]) -> Iterator[ConfigurationProblem]:
    """Find names that an account of the folder shares with one before it; ``sources`` are as in ``Launch``."""
    known: dict[tuple[str, str], str] = {}
    for account, source in zip(accounts, sources, strict=True):
        names: Mapping[str, str | None] = {"email": account.email, "id": account.id}
        for key, name in names.items():
            if name is None:
                continue
            first = known.setdefault((key, name), source)
            if source and first != source:
                where = first or "the configuration"
                yield ConfigurationProblem(key, f"{quoted(name)}, which {where} has as well", f"another {key}", source)


def write_file(folder: str, name: str, text: str) -> str:
    """Write ``NAME.toml``, whole or not at all, for the folder's owner alone; return its path.

    Raises ``OSError``, and ``FileExistsError`` where there is one of that name.
    """
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    path = os.path.join(folder, name + SUFFIX)
    # Of mode 0600, and nobody else's: two may add at a time.
    descriptor, beside = mkstemp(prefix=".", suffix=".new", dir=folder)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            _give(descriptor, folder)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.link(beside, path)  # not renamed, which would put it in the place of another one
    finally:
        os.unlink(beside)
    return path


def _give(descriptor: int, folder: str) -> None:
    """Give a file to whom the folder belongs: root may write for the daemon, which could not read it."""
    owner = os.stat(folder)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _counts(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")
