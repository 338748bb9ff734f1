"""An account as it is written into a file of its own: checked as the daemon will check it, then written, then taken."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

from agd.accounts.credentials import Credential
from agd.cli.socket import NoDaemon, Refused
from agd.cli.surroundings import Surroundings
from agd.errors import ConfigurationError, ConfigurationProblem
from agd.folder import SUFFIX, read_folder, write_file
from agd.launch import read_text
from agd.roster import account_of, credential_of, problems_of
from agd.settings import Account, Upstream
from agd.settings.load import read_account
from agd.settings.reading import Reading

_UNFIT = re.compile(r"[^A-Za-z0-9@._+-]")
_PLACEHOLDER = "not-set-here"


class CannotAdd(Exception):
    """The account is not added; the text says why, without its secrets. ``known``: it is there already."""

    def __init__(self, words: str, *, known: bool = False) -> None:
        super().__init__(words)
        self.known = known


def written(document: Mapping[str, Any]) -> str:
    """Write a table of texts, numbers, arrays and tables of numbers as TOML 1.0."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in document.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_value(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        # A JSON string is a basic string of TOML, but for DEL, which JSON lets stand.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


@define(eq=False)
class Writer:
    """Adds accounts. ``known`` are those that are there, as far as a command can read them."""

    around: Surroundings
    folder: str
    known: list[Account]
    names: set[str]
    _credentials: set[Credential] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._credentials = {credential_of(each) for each in self.known}

    @classmethod
    def of(cls, around: Surroundings) -> Writer:
        """Find where accounts stand: where the running daemon says, else where the configuration does.

        Raises ``CannotAdd`` where there is no place for them.
        """
        folder, names = around.accounts_dir, set[str]()
        try:
            folder = around.daemon.get("/status")["accounts_dir"]
            told = around.daemon.get("/accounts")["accounts"]
            names = {name for each in told for name in (each["id"], each["email"]) if name}
        except NoDaemon:
            pass  # it will find them when it starts
        if folder is None:
            raise CannotAdd('there is no folder for accounts: see admin.accounts_dir, which may be "off"')
        if around.launch is not None:
            known = list(around.launch.settings.accounts)
        else:
            known = list(read_folder(folder, Reading(folder, os.environ, read_text)).accounts)
        names |= {name for each in known for name in (each.email, each.id) if name}
        return cls(around, folder, known, names)

    def add(self, document: Mapping[str, Any]) -> tuple[str, str]:
        """Check an account and write its file; return the path and the account's id. Raises ``CannotAdd``."""
        text = written(document)
        configured = self._checked(text, document)
        self._refuse_known(configured)
        upstream = self.around.launch.settings.upstream if self.around.launch is not None else Upstream()
        account = account_of(configured, upstream.base_url)
        name = _UNFIT.sub("_", configured.email or configured.id or account.id).lstrip(".")
        try:
            path = write_file(self.folder, name, text)
        except FileExistsError:
            raise CannotAdd(f"{name}{SUFFIX} is in {self.folder} already", known=True) from None
        except OSError as error:
            raise CannotAdd(f"{error.filename or self.folder}: {error.strerror}") from None
        self._remember(configured)
        return path, account.id

    def reload(self, paths: Iterable[str]) -> bool:
        """Have the daemon take what was written; tell whether one runs. Raises ``CannotAdd``.

        What the daemon does not take is taken back, all of it.
        """
        try:
            self.around.daemon.post("/reload")
        except NoDaemon:
            return False
        except Refused as error:
            for path in paths:
                os.unlink(path)
            raise CannotAdd(f"the daemon does not take it, so nothing is added:\n{error}") from None
        return True

    def _checked(self, text: str, document: Mapping[str, Any]) -> Account:
        """Read an account as the daemon will. A variable that only the daemon has is left for it to check."""
        source = os.path.join(self.folder, "account" + SUFFIX)
        environ = dict(os.environ)
        for value in document.values():
            scheme, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
            if scheme == "env" and not environ.get(name):
                print(f"agd: {name} is not set here: the daemon must have it", file=sys.stderr)
                environ[name] = _PLACEHOLDER
        try:
            account = read_account(text, source, environ=environ, read_file=read_text)
        except ConfigurationError as error:
            raise CannotAdd(_told(error.problems)) from None
        problems = [ConfigurationProblem(*each) for each in problems_of(account)]
        if problems:
            raise CannotAdd(_told(problems))
        return account

    def _refuse_known(self, account: Account) -> None:
        for name in (account.email, account.id):
            if name in self.names:
                raise CannotAdd(f"{name} is an account already", known=True)
        # One credential may stand for several regions and projects, but not twice for the same.
        if credential_of(account) in self._credentials and account.location is None and account.project is None:
            who = account.email or account.id or "it"
            raise CannotAdd(f"what proves {who} proves another account already", known=True)

    def _remember(self, account: Account) -> None:
        self.names |= {name for name in (account.email, account.id) if name}
        self._credentials.add(credential_of(account))


def _told(problems: Iterable[ConfigurationProblem]) -> str:
    return "\n".join(map(str, problems))
