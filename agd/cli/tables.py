"""What the commands show: tables and progress for people, JSON for scripts. ``rich`` is loaded where it is used."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_PIPE_WIDTH = 20_000
"""Columns where nobody looks at a terminal: ``grep`` and ``awk`` want a row to be a line."""


def print_json(value: object) -> None:
    """Print JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; what stands in it is shown as it is, never read as markup."""
    from rich import box  # noqa: PLC0415 - see above
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def watched(items: Sequence[T], what: str) -> Iterator[T]:
    """Give the items one by one, and show on a terminal's stderr how far it has come."""
    if len(items) < 2 or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.progress import track  # noqa: PLC0415

    yield from track(items, what, console=Console(stderr=True), transient=True)


def lasting(seconds: float | None) -> str:
    """Return a time in the words of a table: ``12 s``, ``5 min``, ``3.2 h``."""
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
