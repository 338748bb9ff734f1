"""``docs/configuration.md``: the reference of the configuration, made from its tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from agd.cli.markdown import table
from agd.settings import ENVIRONMENT, Setting, Settings, settings_of
from agd.settings.structure import ArrayOf, CountMap, OpenTables, TableOf, TablesOf, TextMap

_HEAD = """\
# Configuration

Every key of `agd.toml`, made by `agd document configuration` from `agd/settings`. Do not edit this page.

agd reads the first of: the file named by `--config`, the file named by `$AGD_CONFIG`, `~/.config/agd/agd.toml`
(`$XDG_CONFIG_HOME` is honoured), `/etc/agd/agd.toml`. `agd check FILE` says all that is wrong with a file;
`deploy/agd.toml.example` holds every key. Times are in seconds. A secret is written as it is, as `env:NAME` or as
`file:PATH`.
"""

_ENVIRONMENT = """\
## Environment

These variables override the file, and options of the command line override both.
"""


def configuration_page() -> str:
    """Return the page."""
    sections = [_section(name, each) for name, each in settings_of(Settings).items()]
    variables = table(("Variable", "Key"), [(f"`{name}`", f"`{'.'.join(key)}`") for name, key in ENVIRONMENT.items()])
    return "\n\n".join([_HEAD.rstrip(), *sections, f"{_ENVIRONMENT}\n{variables}"]) + "\n"


def _section(name: str, setting: Setting) -> str:
    kind = setting.kind
    title = f"## `[[{name}]]`" if isinstance(kind, ArrayOf) else f"## `[{name}]`"
    inner = kind.item if isinstance(kind, ArrayOf) else kind
    if not isinstance(inner, TableOf):
        return f"{title}\n\n{_code(setting.doc)}\n\nAllowed: {kind.allowed}."
    body = table(("Key", "Allowed", "Default", "What for"), _keys(inner.table))
    return f"{title}\n\n{_code(setting.doc)}\n\n{body}"


def _keys(of: type[attrs.AttrsInstance], prefix: str = "") -> Iterator[tuple[str, ...]]:
    """Yield a line for each key, for those of a table within, and behind an array of tables its elements' keys."""
    fields = attrs.fields_dict(of)
    for name, setting in settings_of(of).items():
        if isinstance(setting.kind, TableOf):
            yield from _keys(setting.kind.table, f"{prefix}{name}.")
            continue
        inner = setting.kind.item if isinstance(setting.kind, ArrayOf) else None
        allowed = "an array of tables" if isinstance(inner, TableOf) else setting.kind.allowed
        yield f"`{prefix}{name}`", allowed, _default(fields[name].default, setting), _code(setting.doc)
        if isinstance(inner, TableOf):
            yield from _keys(inner.table, f"{prefix}{name}[].")


def _default(value: Any, setting: Setting) -> str:
    """Return a default as TOML writes it."""
    if value is attrs.NOTHING:
        return "required"
    if value is None:
        return ""
    if isinstance(setting.kind, TextMap | CountMap | OpenTables | TablesOf):
        return "`{}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _code(doc: str) -> str:
    """Return a sentence with Markdown's marks for code."""
    return doc.replace("``", "`")
