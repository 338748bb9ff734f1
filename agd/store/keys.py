"""The key file, ``sealing.keys`` in the state directory, for the daemon's user alone.

A line ``seal UNIX-SECONDS HEX`` for each key that seals, the newest first, and a line ``owner HEX`` for the key that
names owners. A key seals for 90 days; it then opens for one more year what it has sealed.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve, field, frozen

from agd.errors import StoreError
from agd.sealing import KEY_BYTES, Keys, RandomBytes

FILE = "sealing.keys"
SEALING_SECONDS = 90 * 86400
OPENING_SECONDS = 365 * 86400

_HEX = rf"(?P<key>[0-9a-f]{{{2 * KEY_BYTES}}})"
_LINES = re.compile(rf"(?:seal [0-9]{{1,12}} {_HEX.replace('?P<key>', '?:')}\n)+owner {_HEX}\n")
_SEAL = re.compile(rf"seal (?P<made>[0-9]+) {_HEX}")


@frozen
class KeyFile:
    """What the file says: keys with the second in which they were made, the newest first, and the naming key."""

    sealing: tuple[tuple[int, bytes], ...] = field(repr=False)
    naming: bytes = field(repr=False)

    @classmethod
    def fresh(cls, now: int, random: RandomBytes) -> KeyFile:
        """Make new keys."""
        keys = Keys.fresh(random)
        return cls(tuple((now, key) for key in keys.sealing), keys.naming)

    @classmethod
    def read(cls, text: str) -> KeyFile | None:
        """Read the file's text, None when it is anything else."""
        found = _LINES.fullmatch(text)
        if found is None:
            return None
        sealing = tuple((int(line["made"]), bytes.fromhex(line["key"])) for line in _SEAL.finditer(text))
        return cls(sealing, bytes.fromhex(found["key"]))

    @property
    def text(self) -> str:
        """The file's text."""
        lines = [f"seal {made} {key.hex()}\n" for made, key in self.sealing]
        return "".join([*lines, f"owner {self.naming.hex()}\n"])

    @property
    def keys(self) -> Keys:
        """The keys for a ring."""
        return Keys(tuple(key for _, key in self.sealing), self.naming)

    def at(self, now: int, random: RandomBytes) -> KeyFile:
        """Return the keys that hold now: a new one where the newest has sealed for long, none long replaced."""
        sealing = self.sealing
        if sealing[0][0] + SEALING_SECONDS <= now:
            sealing = ((now, random(KEY_BYTES)), *sealing)
        # A key was replaced in the second in which the one before it in the file was made.
        replaced = [now, *(made for made, _ in sealing[:-1])]
        kept = tuple(each for each, end in zip(sealing, replaced, strict=True) if end + OPENING_SECONDS > now)
        return evolve(self, sealing=kept)


def load_keys(directory: str, now: int, random: RandomBytes) -> Keys:
    """Read the keys of a state directory, made with it where missing, and renewed when it is time.

    Several processes may do this at once: they end with the same keys. ``now`` is in Unix seconds. Raises
    ``StoreError`` for a file that others may read and for one that is no key file.
    """
    path = Path(directory, FILE)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(directory):
            return _kept(path, lambda: KeyFile.fresh(now, random), lambda found: found.at(now, random)).keys
    except OSError as error:
        what = f"{error.filename or path}: {error.strerror}"
        raise StoreError(f"{what}; the state directory is where agd keeps the keys that seal reasoning") from None


def _kept(path: Path, make: Callable[[], KeyFile], renew: Callable[[KeyFile], KeyFile]) -> KeyFile:
    found = _read(path)
    held = make() if found is None else renew(found)
    if held != found:
        _write(path, held.text)
    return held


def _read(path: Path) -> KeyFile | None:
    """Read the file, None when there is none. Raises ``StoreError``, which shows nothing of it, and ``OSError``."""
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode, text = os.fstat(file.fileno()).st_mode & 0o777, file.read()
    except FileNotFoundError:
        return None
    if mode & 0o077:
        raise StoreError(
            f"{path}: found a key file that others may read or change (mode {mode:04o}); allowed: 0600; "
            f"say chmod 600, or delete it if somebody has read it"
        )
    found = KeyFile.read(text)
    if found is None:
        raise StoreError(f"{path}: found something else than agd's keys; put a copy back in its place or move it away")
    return found


def _write(path: Path, text: str) -> None:
    """Put a file in place as a whole or not at all, for this user alone."""
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    beside.replace(path)


@contextmanager
def _alone_in(directory: str) -> Iterator[None]:
    """Keep other processes that load the keys of this directory waiting; then put what was written on disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
