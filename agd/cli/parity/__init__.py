"""The parity table: what becomes of every request parameter of OpenAI's, on every endpoint.

The table is the TOML files beside this one, a file for each endpoint. ``docs/parity.md`` is made from it; tests prove
that it is complete and that agd does what it says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from attrs import field, frozen

Endpoint = Literal["chat", "completions", "responses"]
State = Literal["mapped", "emulated", "ignored", "refused"]

ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)
STATES: tuple[State, ...] = get_args(State)

_FIELD = re.compile(r"(contents|systemInstruction|tools|toolConfig|generationConfig|serviceTier)([.\[].*)?")


@frozen
class Row:
    """What becomes of one parameter on one endpoint.

    ``parameter`` is a path: keys with dots, and in brackets the ``type`` or ``role`` of a value that has several
    shapes, whether alone or in an array; ``a|b`` stands for either and ``*`` for any. ``words`` are the Gemini field
    for what is mapped, how for what is emulated, and why for the rest. ``proof`` is an entry of PITFALLS that bears on
    it. ``example`` is what a request has to hold, beside ``model``, to use the parameter.
    """

    endpoint: Endpoint
    parameter: str
    state: State
    words: str
    proof: str
    example: Mapping[str, Any] = field(repr=False)
    extension: bool = False
    """Not OpenAI's: a field that clients of other gateways, or of Google's own, send."""

    awaited: bool = False
    """Meant to be so and not there yet: the row is a debt, which a test keeps from being forgotten."""

    whole: bool = False
    """Everything beneath it is treated likewise; always so for what is ignored or refused."""

    like: str = ""
    """A parameter beneath which everything is as it is beneath this one."""

    note: str = ""
    """What else there is to say of a parameter that is mapped."""

    @property
    def is_field(self) -> bool:
        """Whether the words name a field of the body that Gemini gets, by its path."""
        return self.state == "mapped" and _FIELD.fullmatch(self.words) is not None


@frozen
class Unproven:
    """An entry of PITFALLS that only a live account can prove, and what agd does until then."""

    entry: str
    words: str


@cache
def read_rows() -> tuple[Row, ...]:
    """Return the whole table, an endpoint after the other, each in its file's order."""
    return tuple(row for endpoint in ENDPOINTS for row in _rows(endpoint))


@cache
def read_unproven() -> tuple[Unproven, ...]:
    """Return what awaits a live account."""
    return tuple(Unproven(entry, words) for entry, words in _document("unproven")["entries"].items())


def _rows(endpoint: Endpoint) -> Iterator[Row]:
    document = _document(endpoint)
    for parameter, entry in document["parameters"].items():
        [state] = (state for state in STATES if state in entry)
        yield Row(
            endpoint,
            parameter,
            state,
            entry[state],
            entry.get("proof", ""),
            _example(document, parameter, entry),
            entry.get("extension", False),
            entry.get("awaited", False),
            entry.get("whole", False) or state in {"ignored", "refused"},
            entry.get("like", ""),
            entry.get("note", ""),
        )


def _example(document: Mapping[str, Any], parameter: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row has the ``value`` of its parameter, or the name of an ``example`` that several rows share."""
    if "value" in entry:
        return {**document["least"], parameter: entry["value"]}
    return {**document["least"], **document["examples"][entry["example"]]}


def _document(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
