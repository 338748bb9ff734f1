"""How long an upstream may take: five limits, per model, from the bundled table and the configuration."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from attrs import define, evolve, field, frozen

from agd.routing import Pattern

MAX_REMEMBERED = 1000


@frozen
class Limits:
    """How long an upstream may take, in seconds; ``client_stall`` is how long a client may read nothing.

    All but ``idle`` count from the beginning of an attempt, ``connect`` from that of a connection.
    """

    first_event: float = 300.0
    idle: float = 120.0
    client_stall: float = 300.0
    connect: float = 10.0
    first_byte: float = 300.0
    total: float = 3600.0


Given = Mapping[str, float]
"""Names of limits and what they are to be; those that are not there stay as they are."""


@define(eq=False)
class Patience:
    """The limits for each model.

    From the weakest to the strongest: the defaults, the bundled table of models that think long, what the
    configuration says for all models, and what it says for some, the more literal pattern before the other.
    """

    _general: Given = field(factory=dict)
    _families: Mapping[str, Given] = field(factory=dict)
    _client_stall: float = 300.0
    _known: dict[str, Limits] = field(factory=dict, init=False)

    def of(self, model: str) -> Limits:
        """Return the limits for a model by its upstream name."""
        limits = self._known.get(model)
        if limits is None:
            if len(self._known) >= MAX_REMEMBERED:  # names come from clients
                self._known.clear()
            limits = self._known[model] = self._find(model.rpartition("/")[2])
        return limits

    def _find(self, model: str) -> Limits:
        limits = Limits(client_stall=self._client_stall)
        for given in (*_fitting(_bundled(), model), self._general, *_fitting(self._families, model)):
            limits = evolve(limits, **given)
        return limits


def _fitting(families: Mapping[str, Given], model: str) -> Iterable[Given]:
    """Return what is said for a model, the more literal pattern last; between equal ones the first of the file wins."""
    patterns = [Pattern(text, text) for text in reversed(list(families)) if "*" in text]
    fitting = sorted((pattern for pattern in patterns if pattern.matches(model)), key=lambda each: each.literals)
    exact = [families[model]] if model in families else []
    return [*(families[pattern.text] for pattern in fitting), *exact]


@cache
def _bundled() -> Mapping[str, dict[str, Any]]:
    return tomllib.loads(files("agd.upstream").joinpath("limits.toml").read_text("utf-8"))
