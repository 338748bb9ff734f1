"""What a daemon of some 60 MB can do without. It works by being imported before all that it concerns.

- attrs files the source of every method it generates in ``linecache``, for debuggers: more than half a megabyte for
  agd's own classes. Theirs are left out; tracebacks show all other sources as ever.
- attrs makes a class of its own to hold the fields of each class, with a property for each of them: as much again. One
  class for all finds a field by its name just as well. Where attrs should have another way of doing it one day, that
  way is left alone.
- werkzeug brings a development server, a client for tests and the requests of WSGI, msgspec what makes JSON Schemas of
  types, each with all that it takes. Klein wants werkzeug's routing only, and agd msgspec's JSON: while these are
  imported the places of the others are taken, and free again afterwards for whoever does want them.
"""

from __future__ import annotations

import linecache
import sys
from types import ModuleType
from typing import Any

import attr._make as attrs_maker

_GENERATED = "<attrs generated"
_MAKER = "_make_attr_tuple_class"
_UNUSED = {
    "werkzeug.serving": ("run_simple",),
    "werkzeug.test": ("Client",),
    "werkzeug.wrappers": ("Request", "Response"),
    "msgspec.inspect": (),
    "msgspec._json_schema": ("schema", "schema_components"),
}
"""Modules, and the names that their package takes from each when it is imported."""


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


def _import_without(unused: dict[str, tuple[str, ...]]) -> None:
    """Import Klein and msgspec while these modules are not there."""
    placed = {name: ModuleType(name) for name in unused if name not in sys.modules}
    for name, module in placed.items():
        vars(module).update(dict.fromkeys(unused[name]))
    sys.modules.update(placed)
    try:
        import klein  # noqa: F401, PLC0415 - this is when
        import msgspec  # noqa: F401, PLC0415
    finally:
        for name in placed:
            del sys.modules[name]


linecache.cache = _Sources(linecache.cache)
if hasattr(attrs_maker, _MAKER):
    setattr(attrs_maker, _MAKER, _make_fields)
_import_without(_UNUSED)
