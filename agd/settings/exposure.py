"""Who else can read a file that holds a secret. Pure: a file's mode is an argument."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

_OTHERS = 0o006
_SECRETS = "/run/secrets"
"""Where container engines put secrets, readable by everybody within the container."""

REMEDY = (
    "a file that only its owner and group can read (chmod o= FILE), one in /run/secrets or $CREDENTIALS_DIRECTORY, "
    "or proxy.allow_readable_secrets = true"
)
"""What is allowed, in the words of a problem."""


def is_exposed(path: str, mode: int, environ: Mapping[str, str]) -> bool:
    """Tell whether everybody may read or write the file at ``path``, and nothing vouches for its folder.

    ``mode`` is as ``stat`` gives it, links followed; the group may read. In ``/run/secrets`` and in the folder that
    systemd names in ``$CREDENTIALS_DIRECTORY`` the folder's own protection is relied on.
    """
    if not mode & _OTHERS:
        return False
    folders = (_SECRETS, environ.get("CREDENTIALS_DIRECTORY", ""))
    return not any(_is_within(path, folder) for folder in folders if posixpath.isabs(folder))


def told(mode: int) -> str:
    """Return a mode in the words of a problem."""
    return f"which everybody on this machine can read or write (mode {mode & 0o777:04o})"


def _is_within(path: str, folder: str) -> bool:
    return posixpath.normpath(path).startswith(posixpath.normpath(folder).rstrip("/") + "/")
