"""Code that ran at the provider, shown as fenced Markdown where a protocol has only text for it."""

from __future__ import annotations

import re

from agd.conversation import Code, CodePart

_TICKS = re.compile(r"`{3,}")


def fenced(code: Code | CodePart) -> str:
    """Return a block of its own lines whose fence is longer than any fence within it (CommonMark 4.5).

    Behind the fence stands the language, or how a run ended that did not end well.
    """
    fence = "`" * max([3, *(len(run) + 1 for run in _TICKS.findall(code.text))])
    body = code.text if code.text.endswith("\n") else f"{code.text}\n"
    return f"\n{fence}{(code.language or code.outcome).lower()}\n{body}{fence}\n"
