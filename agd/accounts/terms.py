"""On which terms an account takes part in the pool: what it may be asked for, how often, before or after whom."""

from __future__ import annotations

from attrs import frozen

from agd.patterns import matches, most_specific


@frozen
class Terms:
    """The scheduling keys of one account.

    ``weight``: its share of the turns, against the other accounts of its priority. ``priority``: those with a higher
    one are asked first, the others only when none of them can be. ``models``: patterns of what it may be asked for,
    empty: everything. ``max_concurrency``: requests it carries at a time, None: any number. ``limits``: patterns of
    models and the requests it carries at a time for each model that fits.
    """

    weight: float = 1.0
    priority: int = 0
    models: tuple[str, ...] = ()
    max_concurrency: int | None = None
    limits: tuple[tuple[str, int], ...] = ()

    def serves(self, model: str) -> bool:
        """Tell whether the account may be asked for a model at all."""
        return not self.models or any(matches(pattern, model) for pattern in self.models)

    def limit(self, model: str) -> int | None:
        """Return how many requests for this model it carries at a time, None: any number."""
        return most_specific(self.limits, model)


DEFAULT = Terms()
