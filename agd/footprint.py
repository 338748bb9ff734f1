"""What a daemon of some 60 MB can do without.

attrs files the source of every method it generates in ``linecache``, for debuggers: more than half a megabyte for agd's
own classes. Imported before they are made, this leaves theirs out; tracebacks show all other sources as ever.
"""

from __future__ import annotations

import linecache
from typing import Any

_GENERATED = "<attrs generated"


class _Sources(dict[str, Any]):
    """linecache's own dictionary, without generated code."""

    def setdefault(self, name: str, source: Any = None) -> Any:
        """Keep a source, the way attrs does."""
        return source if name.startswith(_GENERATED) else super().setdefault(name, source)


linecache.cache = _Sources(linecache.cache)
