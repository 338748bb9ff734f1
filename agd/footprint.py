"""What a daemon of some 60 MB can do without. It works by being imported before all that it concerns.

- attrs files the source of every method it generates in ``linecache``, for debuggers: more than half a megabyte for
  agd's own classes. Theirs are left out; tracebacks show all other sources as ever.
- attrs makes a class of its own to hold the fields of each class, with a property for each of them: as much again. One
  class for all finds a field by its name just as well. Where attrs should have another way of doing it one day, that
  way is left alone.
"""

from __future__ import annotations

import linecache
from typing import Any

import attr._make as attrs_maker

_GENERATED = "<attrs generated"
_MAKER = "_make_attr_tuple_class"


class _Sources(dict[str, Any]):
    """linecache's own dictionary, without generated code."""

    def setdefault(self, name: str, source: Any = None) -> Any:
        """Keep a source, the way attrs does."""
        return source if name.startswith(_GENERATED) else super().setdefault(name, source)


class _Fields(tuple[Any, ...]):
    """The fields of an attrs class, in order and by name."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """Find a field. Raises ``AttributeError``."""
        for field in self:
            if field.name == name:
                return field
        raise AttributeError(name)


def _make_fields(_class_name: str, _names: list[str]) -> type[_Fields]:
    return _Fields


linecache.cache = _Sources(linecache.cache)
if hasattr(attrs_maker, _MAKER):
    setattr(attrs_maker, _MAKER, _make_fields)
