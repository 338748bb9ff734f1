"""A number of tokens, before anybody has counted them."""

from __future__ import annotations

from attrs import frozen


@frozen
class Estimate:
    """Tokens that a request takes at most, as far as can be told: what is sent, and what may be answered."""

    input: int
    output: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.input + self.output


NOTHING = Estimate(0, 0)
