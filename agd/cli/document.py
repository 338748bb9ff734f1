"""``agd document``: the pages of the documentation that are made from the program's own tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agd.cli.configuration import configuration_page
from agd.cli.parity.page import parity_page

PAGES: Mapping[str, Callable[[], str]] = {"configuration": configuration_page, "parity": parity_page}
"""Each page's name, in ``docs`` with ``.md`` behind it, and what makes it."""


def document(page: str) -> int:
    """Print a page of ``PAGES`` and return the exit status."""
    print(PAGES[page](), end="")
    return 0
