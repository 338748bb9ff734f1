"""Every entry of the shared catalogue of pitfalls is proven by a test that is named by it, or awaits a live account."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from agd.cli.parity import read_unproven
from tests import shared_data

PITFALLS = shared_data.ROOT.parent / "PITFALLS.md"
PROJECT = Path(__file__).parents[1]

_ENTRY = re.compile(r"^\*\*([A-J]\d\d)\b", re.MULTILINE)
_NAME = re.compile(r"(?<=_)([A-J])(\d\d)(?:_to_\1(\d\d))?(?=_|$)")


def catalogued() -> set[str]:
    """Return the entries of the sections on translation; skip the test where the catalogue is missing."""
    if not PITFALLS.exists():
        raise SkipTest("shared data missing: PITFALLS.md (expected in ../shared)")
    return set(_ENTRY.findall(PITFALLS.read_text("utf-8")))


def proven() -> set[str]:
    """Return the entries that tests are named by, ``test_A01_…``, ``test_A01_A02_…`` or ``test_A01_to_A09_…``."""
    return {entry for name in _test_names() for entry in entries_of(name)}


def entries_of(name: str) -> Iterator[str]:
    """Yield the entries in the name of a test."""
    for section, first, last in _NAME.findall(name):
        yield from (f"{section}{number:02d}" for number in range(int(first), int(last or first) + 1))


def _test_names() -> Iterator[str]:
    for folder in ("tests", "client_tests"):
        for path in (PROJECT / folder).rglob("test_*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    yield node.name


class PitfallTests(SynchronousTestCase):
    """The catalogue and the tests."""

    def test_every_entry(self) -> None:
        """Each entry has a test of its name, or stands among those that only a live account can prove."""
        awaited = {each.entry for each in read_unproven()}
        self.assertEqual(sorted(catalogued() - proven() - awaited), [])

    def test_nothing_invented(self) -> None:
        """No test of these sections is named by an entry that does not exist, and no entry that is awaited is."""
        known = catalogued()
        named = {entry for entry in proven() if entry[0] in {known_entry[0] for known_entry in known}}
        self.assertEqual(sorted(named - known), [])
        self.assertEqual(sorted(each.entry for each in read_unproven() if each.entry not in known), [])

    def test_names(self) -> None:
        """One entry, several, or a range of them may stand in a name."""
        self.assertEqual(list(entries_of("test_A01_hoisted")), ["A01"])
        self.assertEqual(list(entries_of("test_F17_F18_code")), ["F17", "F18"])
        self.assertEqual(list(entries_of("test_B01_to_B03_rounds")), ["B01", "B02", "B03"])
        self.assertEqual(list(entries_of("test_utf8_A1_x")), [])
