"""What a field of the configuration allows: arrays, mappings and tables.

A table is an attrs class whose fields carry a ``Setting``; the class itself is all that has to be said about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from attrs import frozen

from agd.settings.kinds import Integer, Kind, Text
from agd.settings.overrides import Override
from agd.settings.reading import INVALID, Reading, describe, item_path, key_path, quoted, type_name

_SETTING = "agd.setting"


@frozen
class Setting:
    """What is known of one field: what it allows and what it is for. The default is the attrs field's own."""

    kind: Kind
    doc: str


def setting(kind: Kind, doc: str) -> dict[str, Setting]:
    """Return the metadata of an attrs field that is read from the configuration."""
    return {_SETTING: Setting(kind, doc)}


def settings_of(table: type[attrs.AttrsInstance]) -> dict[str, Setting]:
    """Return the settings of a table by key, in the order of the class."""
    return {each.name: each.metadata[_SETTING] for each in attrs.fields(table) if _SETTING in each.metadata}


@frozen
class ArrayOf(Kind):
    """An array whose elements are of one kind, read as a tuple.

    ``distinct`` names fields of the elements' table in none of which two may have the same value.
    """

    item: Kind
    distinct: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        unique = f", no two with the same {' or '.join(self.distinct)}" if self.distinct else ""
        return f"an array, each element {self.item.allowed}{unique}"

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return the tuple of the elements that are right; the others are noted."""
        if not isinstance(value, list):
            return reading.note(path, type_name(value), self.allowed)  # its value may hold secrets
        items = [self.item.read(each, item_path(path, i), reading) for i, each in enumerate(value)]
        for key in self.distinct:
            _note_repeated(value, key, path, reading)
        return tuple(each for each in items if each is not INVALID)


@frozen
class TextMap(Kind):
    """A table of any keys with text values, neither of them empty; the file's order is kept."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return 'a table of names: "name" = "other name"'

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return a dict in the order of the file; every pair that is wrong is noted."""
        if not isinstance(value, Mapping):
            return reading.note(path, describe(value), self.allowed)
        for key, item in value.items():
            _note_pair(key, item, key_path(path, key), reading)
        return dict(value)


@frozen
class CountMap(Kind):
    """A table of any keys, none of them empty, with whole numbers of at least 1; the file's order is kept."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return 'a table of whole numbers of at least 1: "name" = 2'

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return a dict in the order of the file; every pair that is wrong is noted."""
        if not isinstance(value, Mapping):
            return reading.note(path, describe(value), self.allowed)
        for key, count in value.items():
            if not Text().fits(key):
                reading.note(key_path(path, key), f"the key {quoted(key)}", f"a key that is {Text().allowed}")
            Integer(1).read(count, key_path(path, key), reading)
        return dict(value)


@frozen
class OpenTables(Kind):
    """A table of any keys, none of them empty, each a table of its own whose keys are checked by whoever uses it."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return 'a table of tables: "name" = { key = value }'

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return a dict of dicts in the order of the file; every entry that is no table is noted."""
        if not isinstance(value, Mapping):
            return reading.note(path, describe(value), self.allowed)
        for key, item in value.items():
            _note_table(key, item, key_path(path, key), reading)
        return {key: dict(item) for key, item in value.items() if isinstance(item, Mapping)}


@frozen
class TablesOf(Kind):
    """A table of any keys, none of them empty, each a table of the same known keys; the file's order is kept."""

    table: type[attrs.AttrsInstance]

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return f'a table of tables: "name" = {{ key = value }}, with the keys {", ".join(settings_of(self.table))}'

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return a dict of instances in the order of the file; everything that is wrong is noted."""
        if not isinstance(value, Mapping):
            return reading.note(path, describe(value), self.allowed)
        tables: dict[str, Any] = {}
        for key, item in value.items():
            where = key_path(path, key)
            if Text().fits(key):
                tables[key] = TableOf(self.table).read(item, where, reading)
            else:
                reading.note(where, f"the key {quoted(key)}", f"a key that is {Text().allowed}")
        return {key: table for key, table in tables.items() if table is not INVALID}


@frozen
class TableOf(Kind):
    """A table with known keys, read as an instance of ``table``; of two ``rivals`` only one may be given.

    ``rule`` finds what does not go together in the table as it was written: a key, what was found, what is allowed.
    """

    table: type[attrs.AttrsInstance]
    rivals: tuple[str, str] | None = None
    rule: Callable[[Mapping[str, Any]], Iterable[tuple[str, str, str]]] | None = None

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return f"a table with the keys {', '.join(settings_of(self.table))}"

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return the instance; ``INVALID`` when a required key is missing or wrong. All problems are noted."""
        if not isinstance(value, Mapping):
            return reading.note(path, type_name(value), self.allowed)  # its value may be a secret
        known = settings_of(self.table)
        _note_unknown(value, known, path, reading)
        if self.rivals and all(rival in value for rival in self.rivals):
            both = " and ".join(self.rivals)
            reading.note(key_path(path, self.rivals[1]), f"both {both}", "one of the two")
        for key, found, allowed in self.rule(value) if self.rule is not None else ():
            reading.note(key_path(path, key), found, allowed)
        fields = {
            key: _read_field(each.kind, value[key], key_path(path, key), reading)
            for key, each in known.items()
            if key in value
        }
        return self._made(fields, path, reading)

    def _made(self, fields: dict[str, Any], path: str, reading: Reading) -> Any:
        required = [each.name for each in attrs.fields(self.table) if each.default is attrs.NOTHING]
        known = settings_of(self.table)
        for key in required:
            if key not in fields:
                reading.note(key_path(path, key), "nothing", known[key].kind.allowed)
        right = {key: value for key, value in fields.items() if value is not INVALID}
        return self.table(**right) if right.keys() >= set(required) else INVALID


def _read_field(kind: Kind, value: Any, path: str, reading: Reading) -> Any:
    if isinstance(value, Override):
        return kind.read_override(value, reading)
    return kind.read(value, path, reading)


def _note_unknown(value: Mapping[str, Any], known: Iterable[str], path: str, reading: Reading) -> None:
    keys = list(known)
    for key in value:
        if key not in keys:
            reading.note(key_path(path, key), f"unknown key {quoted(key)}", f"{_meant(key, keys)}{', '.join(keys)}")


def _meant(key: str, keys: list[str]) -> str:
    """Guess what an unknown key should have been; empty: no idea."""
    from difflib import get_close_matches  # noqa: PLC0415 - most configurations have no such key; idle memory is counted

    close = get_close_matches(key, keys, 1)
    return f'did you mean "{close[0]}"? ' if close else ""


def _note_repeated(items: list[Any], key: str, path: str, reading: Reading) -> None:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        value = item.get(key) if isinstance(item, Mapping) else None
        if isinstance(value, str) and first.setdefault(value, index) != index:
            where = key_path(item_path(path, index), key)
            taken = item_path(path, first[value])
            reading.note(where, f"{quoted(value)}, which {taken} has as well", f"another {key}")


def _note_pair(key: str, item: Any, path: str, reading: Reading) -> None:
    text = Text()
    if not text.fits(key):
        reading.note(path, f"the key {quoted(key)}", f"a key that is {text.allowed}")
    if isinstance(item, Mapping):
        reading.note(path, "a table", f'{text.allowed}; a key with a dot stands in quotes, "gpt-4.1"')
    else:
        text.read(item, path, reading)


def _note_table(key: str, item: Any, path: str, reading: Reading) -> None:
    if not Text().fits(key):
        reading.note(path, f"the key {quoted(key)}", f"a key that is {Text().allowed}")
    if not isinstance(item, Mapping):
        reading.note(path, describe(item), "a table, { key = value }")
