"""Making a provider's words fit to be shown and logged: short, free of tags, free of credentials."""

from __future__ import annotations

import re

_LONGEST = 300
_READ = 8192
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[/!?a-zA-Z][^<>]*>")
_NAMED = r"x-goog-api-key|api[-_ ]?key|(?:access|refresh|id)[-_ ]token|client[-_ ]secret|password|private[-_]key"
_SECRETS = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        "[redacted]",
    ),
    (re.compile(r"(://)[^\s/@\"']+@"), r"\1[redacted]@"),
    (re.compile(r"(?i)\b([\w-]{0,40}(?:key|token|secret|password))(\s*=\s*)[^\s&\"'<>]+"), r"\1\2[redacted]"),
    (re.compile(rf"(?i)\b({_NAMED})([\"']?\s*:\s*[\"']?)[^\s,;\"'<>]{{8,}}"), r"\1\2[redacted]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [redacted]"),
    (re.compile(r"\b(?:AIza[\w-]{8,}|ya29\.[\w.-]+|AQ\.[\w-]{8,}|GOCSPX-[\w-]+|1//[\w-]{16,})"), "[redacted]"),
    (re.compile(r"\b(?:sk-[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"), "[redacted]"),
)
"""Keys, passwords, OAuth tokens, JSON Web Tokens and private keys, by their names or by their shapes."""


def clean_message(text: str) -> str:
    """Return at most 300 characters of ``text`` without HTML, runs of blanks, or anything shaped like a credential.

    What cannot be seen goes too: it moves terminals, and hides credentials.
    """
    text = "".join(letter for letter in text[:_READ] if letter.isprintable() or letter.isspace())
    text = _TAG.sub(" ", _HIDDEN.sub(" ", text))
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
