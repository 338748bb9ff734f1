"""What has changed since it was last put down, so that a pool of thousands writes only that."""

from __future__ import annotations

from collections.abc import Collection

from attrs import define, field

from agd.accounts.standing import Standing


@define(eq=False)
class Unkept:
    """Whose standing, or whose project's, is worth putting down again; true as long as anybody's is."""

    _everybody: bool = False
    _some: set[Standing] = field(factory=set)

    def __bool__(self) -> bool:
        return self._everybody or bool(self._some)

    def note(self, standing: Standing) -> None:
        """One has changed."""
        self._some.add(standing)

    def note_everybody(self) -> None:
        """Anybody may have changed, come or gone."""
        self._everybody = True

    def take(self) -> Collection[Standing] | None:
        """Return those that have changed, None: everybody; from now on nobody has."""
        some, everybody = self._some, self._everybody
        self._some, self._everybody = set(), False
        return None if everybody else some
