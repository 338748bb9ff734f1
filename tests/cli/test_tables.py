"""How tables are printed where nobody looks at a terminal."""

from __future__ import annotations

import io
import sys

from twisted.trial.unittest import SynchronousTestCase

from agd.cli.tables import print_table


class TableTests(SynchronousTestCase):
    """``print_table``."""

    def test_piped(self) -> None:
        """A row is a line, however long its words are, and what looks like markup is shown as it is."""
        out = io.StringIO()
        self.patch(sys, "stdout", out)
        print_table(["NAME", "WHY"], [["one", "[red]" + "long " * 500 + "end"]])
        [row] = [line for line in out.getvalue().splitlines() if "one" in line]
        self.assertIn("[red]long", row)
        self.assertTrue(row.rstrip().endswith("end"))
