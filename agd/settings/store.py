"""The table ``[store]``: what is kept on disk, and for how long."""

from __future__ import annotations

import posixpath

from attrs import field, frozen

from agd.settings.kinds import Integer, Text
from agd.settings.structure import setting

OFF = "off"


@frozen
class Store:
    """What is kept on disk, and for how long."""

    path: str = field(
        default="agd.db",
        metadata=setting(
            Text(),
            'The database with stored responses, from the state directory on unless the path is absolute; "off": in '
            "memory, at most 64 MiB, and gone with the process.",
        ),
    )
    max_age_days: int = field(
        default=30,
        metadata=setting(
            Integer(1, 36500), "A stored conversation is dropped when nobody has used its end for so many days."
        ),
    )
    max_bytes: int = field(
        default=2**30,
        metadata=setting(
            Integer(2**20),
            "Most bytes that stored responses take; conversations not used for longest make room for new ones.",
        ),
    )

    def file(self, state_directory: str | None) -> str | None:
        """Return the database's path, None when it is off; a relative one where there is no directory to start from."""
        return None if self.path == OFF else posixpath.join(state_directory or "", self.path)
