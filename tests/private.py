"""Files that hold secrets, written as agd wants them: for their owner only."""

from __future__ import annotations

from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whatever the umask and the file that stood there."""
    path.touch(0o600)
    path.chmod(0o600)
    path.write_text(text, "utf-8")
