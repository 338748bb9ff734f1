"""``docs/parity.md``: the parity table as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agd.cli.markdown import table
from agd.cli.parity import ENDPOINTS, Endpoint, Row, read_rows, read_unproven

_HEAD = """\
# Parity with OpenAI's API

What becomes of every request parameter of OpenAI's types (openai-python and the published OpenAPI documents), made by
`agd document parity` from the table in `agd/cli/parity`. Do not edit this page.

- **mapped**: sent to Gemini, in the field that is named
- **emulated**: done by agd, as said
- **ignored**: has no effect; `X-Agd-Notices` and the log say so, and `strict_parameters = true` makes it a 400
- **refused**: 400, and `param` names the field

A path names keys with dots. In brackets stands the `type` or `role` of a value that has several shapes, alone or in an
array; `a|b` is either and `*` is any. What is ignored or refused is so with everything beneath it. A star marks what
is not OpenAI's but comes from other clients.

`tests/protocols/test_parity.py` carries every row out. *Proof* names entries of the catalogue of pitfalls that bear on
the row: the tests `test_<entry>_…`.
"""

_TITLES: dict[Endpoint, str] = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
}

_UNPROVEN = """\
## Unproven

What only a live account can prove, and what agd does until then.
"""


def parity_page() -> str:
    """Return the page."""
    rows = read_rows()
    sections = [f"{_HEAD}\n## At a glance\n\n{_overview(rows)}"]
    sections += [f"## {_TITLES[endpoint]}\n\n{_details(rows, endpoint)}" for endpoint in ENDPOINTS]
    entries = "\n".join(f"- **{each.entry}**: {each.words}" for each in read_unproven())
    return "\n\n".join([*sections, f"{_UNPROVEN}\n{entries}"]) + "\n"


def _overview(rows: Sequence[Row]) -> str:
    """A line for each parameter of a body's top level."""
    states: dict[tuple[str, bool], dict[Endpoint, str]] = {}
    for row in rows:
        if not set(".[") & set(row.parameter):
            states.setdefault((row.parameter, row.extension), {})[row.endpoint] = _state(row)
    lines = [
        (_named(*parameter), *(found.get(endpoint, "") for endpoint in ENDPOINTS))
        for parameter, found in sorted(states.items())
    ]
    return table(("Parameter", *ENDPOINTS), lines)


def _details(rows: Sequence[Row], endpoint: Endpoint) -> str:
    return table(("Parameter", "State", "How, or why not", "Proof"), _lines(rows, endpoint))


def _lines(rows: Sequence[Row], endpoint: Endpoint) -> Iterator[tuple[str, ...]]:
    for row in rows:
        if row.endpoint == endpoint:
            yield _named(row.parameter, row.extension), _state(row), _words(row), row.proof


def _words(row: Row) -> str:
    beneath = f"beneath it as beneath `{row.like}`" if row.like else ""
    if row.whole and row.state in {"mapped", "emulated"}:
        beneath = "and so is everything beneath it"
    words = f"`{row.words}`" if row.is_field else row.words
    return "; ".join(text for text in (words, row.note, beneath) if text)


def _state(row: Row) -> str:
    return f"{row.state}, but not yet" if row.awaited else row.state


def _named(parameter: str, extension: bool) -> str:
    return f"`{parameter}`" + (" \\*" if extension else "")
