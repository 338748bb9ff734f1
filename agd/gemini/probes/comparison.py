"""Where a model is other than the table says, and the table ``[models."NAME"]`` that would put it right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import frozen

from agd.gemini.models import NO_OVERRIDES, Family, Overrides, family
from agd.gemini.probes.observations import Observation

_SETS = frozenset({"levels", "media", "modalities"})


@frozen
class Finding:
    """One trait of one model: what the table says, what was observed, and whether that is the same."""

    model: str
    trait: str
    table: Any
    observation: Observation

    @property
    def verdict(self) -> Literal["same", "different", "unknown"]:
        """``unknown``: nothing was learned about the trait."""
        if not self.observation.known:
            return "unknown"
        return "same" if agrees(self.trait, self.table, self.observation) else "different"


def compare(model: str, traits: Family, observed: Mapping[str, Observation]) -> list[Finding]:
    """Return a finding for each trait observed."""
    return [Finding(model, trait, getattr(traits, trait), seen) for trait, seen in observed.items()]


def agrees(trait: str, value: Any, seen: Observation) -> bool:
    """Tell whether a value of the table is what was observed; where order means nothing it is not looked at."""
    if seen.at_least and isinstance(value, int):
        return value >= int(seen.value)
    if trait in _SETS and value is not None and seen.value is not None:
        return set(value) == set(seen.value)
    return bool(value == seen.value)


def corrections(findings: Iterable[Finding], overrides: Overrides = NO_OVERRIDES) -> dict[str, dict[str, Any]]:
    """Return the overrides with which ``family`` tells what was observed; each replaces an override of its name.

    An override holds for every model whose name begins so. Therefore shorter names come first, and a longer one says
    again what a shorter one would change for it. What TOML has no word for (no thinking at all) is left out, and so
    is a way to think whose levels or budgets are not known.
    """
    seen: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.observation.known and finding.observation.value is not None:
            seen.setdefault(finding.model, []).append(finding)
    corrected: dict[str, dict[str, Any]] = {}
    for model in sorted(seen, key=lambda name: (len(name), name)):
        traits = family(model, {**overrides, **corrected})
        changes = {
            each.trait: each.observation.value
            for each in seen[model]
            if not agrees(each.trait, getattr(traits, each.trait), each.observation)
        }
        if changes:
            corrected[model] = _sound(model, {**overrides.get(model, {}), **changes}, {**overrides, **corrected})
    return {model: changes for model, changes in corrected.items() if changes}


def _sound(model: str, changes: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    try:
        family(model, {**overrides, model: changes})
    except ValueError:
        return {trait: value for trait, value in changes.items() if trait != "thinking"}
    return changes
