"""The table ``[admin]``: where the operator's commands reach the daemon, and where they put accounts."""

from __future__ import annotations

import posixpath

from attrs import field, frozen

from agd.settings.kinds import Text
from agd.settings.store import OFF
from agd.settings.structure import setting


@frozen
class Admin:
    """How the daemon is operated while it runs."""

    socket: str = field(
        default="admin.sock",
        metadata=setting(
            Text(),
            "The unix socket of ``agd accounts``, ``agd explain`` and the like, for the daemon's user alone; from the "
            'state directory on unless the path is absolute; "off": none.',
        ),
    )
    accounts_dir: str = field(
        default="accounts.d",
        metadata=setting(
            Text(),
            "A folder with a file NAME.toml for each further account, the keys as in ``[[accounts]]``; from the state "
            'directory on unless the path is absolute; "off": none. ``agd accounts add`` writes there.',
        ),
    )


def placed(path: str, state_directory: str | None) -> str | None:
    """Return the absolute path of what a key of the table names; None: it is off, or there is no place for it."""
    found = posixpath.join(state_directory or "", path)
    return found if path != OFF and posixpath.isabs(found) else None
