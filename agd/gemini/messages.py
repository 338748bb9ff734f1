"""Making a provider's words fit to be shown and logged: short, free of tags, free of credentials."""

from __future__ import annotations

import re

_LONGEST = 300
_READ = 8192
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[/!?a-zA-Z][^<>]*>")
_SECRETS = (
    (re.compile(r"(?i)\b([\w-]{0,40}(?:key|token|secret|password))(\s*=\s*)[^\s&\"'<>]+"), r"\1\2[redacted]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [redacted]"),
    (re.compile(r"\b(?:AIza[\w-]{8,}|ya29\.[\w.-]+|AQ\.[\w-]{8,})"), "[redacted]"),
)


def clean_message(text: str) -> str:
    """Return at most 300 characters of ``text`` without HTML, runs of blanks, or anything shaped like a credential."""
    text = _TAG.sub(" ", _HIDDEN.sub(" ", text[:_READ]))
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
