"""Printing what a survey found: a table, TOML to paste into the configuration, or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from agd.cli.survey import Survey
from agd.encoding import encode_text
from agd.gemini.models import Overrides, bundled_models
from agd.gemini.probes.comparison import Finding, corrections

_HEAD = ("MODEL", "TRAIT", "TABLE-SAYS", "OBSERVED")


def report(survey: Survey, overrides: Overrides) -> str:
    """Return the report for people: what differs or is unknown, how much is as expected, and the TOML."""
    told = [finding for finding in survey.findings if finding.verdict != "same"]
    rows = [_row(finding) for finding in told]
    blocks = ["\n".join(_columns([_HEAD, *rows]))] if rows else []
    blocks += ["\n".join(_summary(survey.findings))] if survey.findings else []
    corrected = corrections(survey.findings, overrides)
    if corrected:
        blocks.append(toml(corrected, overrides, {finding.model for finding in survey.findings}))
    return "\n\n".join(blocks)


def toml(corrected: Overrides, overrides: Overrides, asked: Iterable[str]) -> str:
    """Return tables ``[models."NAME"]``, with a warning where one replaces a table or holds for other models too."""
    lines = ["# For agd.toml. A table holds for every model whose name begins with its name."]
    for model, traits in sorted(corrected.items()):
        others = [name for name in bundled_models() if _goes_on(name, model) and name not in set(asked)]
        lines.append("")
        lines += [f"# Also for {', '.join(others)}, not probed."] if others else []
        lines += ["# Instead of the table of this name."] if model in overrides else []
        lines.append(f"[models.{_value(model)}]")
        lines += [f"{trait} = {_value(value)}" for trait, value in traits.items()]
    return "\n".join(lines)


def document(survey: Survey, account: str, overrides: Overrides) -> str:
    """Return all that was found as one JSON text: ``{account, findings, unasked, stopped, overrides}``."""
    findings = [
        {
            "model": finding.model,
            "trait": finding.trait,
            "table": finding.table,
            "observed": finding.observation.value,
            "at_least": finding.observation.at_least,
            "verdict": finding.verdict,
            "said": finding.observation.said,
        }
        for finding in survey.findings
    ]
    return encode_text(
        {
            "account": account,
            "findings": findings,
            "unasked": survey.unasked,
            "stopped": survey.stopped or None,
            "overrides": corrections(survey.findings, overrides),
        }
    )


def _row(finding: Finding) -> tuple[str, ...]:
    seen = finding.observation
    shown = f"unknown: {seen.said}" if not seen.known else _value(seen.value) + (" or more" if seen.at_least else "")
    return finding.model, finding.trait, _value(finding.table), shown


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _summary(findings: Iterable[Finding]) -> Iterator[str]:
    counts: dict[str, dict[str, int]] = {}
    for finding in findings:
        of_model = counts.setdefault(finding.model, {"same": 0, "different": 0, "unknown": 0})
        of_model[finding.verdict] += 1
    for model, of_model in counts.items():
        yield f"{model}: " + ", ".join(f"{count} {verdict}" for verdict, count in of_model.items())


def _goes_on(name: str, prefix: str) -> bool:
    return name.startswith((f"{prefix}-", f"{prefix}."))


def _value(value: Any) -> str:
    """Write a value as TOML does; None, for which it has no word, is ``none``."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(member)}" for key, member in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return encode_text(value)  # texts, numbers and booleans are written alike in TOML and JSON
