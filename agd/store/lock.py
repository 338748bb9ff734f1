"""One process for each store."""

from __future__ import annotations

import fcntl
import os

from attrs import frozen

from agd.errors import StoreError


@frozen
class Lock:
    """Held until it is released or the process ends, in whatever way."""

    _descriptor: int

    @classmethod
    def take(cls, path: str) -> Lock:
        """Lock the file ``path`` by one beside it, which stays. Raises ``StoreError`` when it is taken, ``OSError``.

        The database itself is not locked so: SQLite has locks of its own on it, and closing any descriptor drops them.
        """
        beside = f"{path}.lock"
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StoreError(
                f"{path}: another agd uses this store (it holds {beside}); stop that one, or name another file in "
                f"store.path"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def release(self) -> None:
        """Let others take it."""
        os.close(self._descriptor)
