"""``agd document`` and the pages it makes."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from agd.cli import main
from agd.cli.configuration import configuration_page
from agd.cli.document import PAGES
from agd.cli.markdown import table
from agd.cli.parity import STATES, read_rows, read_unproven
from agd.cli.parity.page import parity_page
from agd.settings import ENVIRONMENT, Settings, settings_of
from agd.settings.structure import TableOf

DOCS = Path(__file__).parents[2] / "docs"


class DocumentTests(SynchronousTestCase):
    """The command."""

    def test_prints(self) -> None:
        """Each page is printed as it is to stand in docs."""
        for page, make in PAGES.items():
            out = StringIO()
            with redirect_stdout(out):
                self.assertEqual(main(["document", page]), 0)
            self.assertEqual(out.getvalue(), make())

    def test_unknown(self) -> None:
        """A page that does not exist is wrong usage."""
        with redirect_stderr(StringIO()) as err, self.assertRaises(SystemExit) as caught:
            main(["document", "novel"])
        self.assertEqual(caught.exception.code, 2)
        self.assertIn("PAGE", err.getvalue())

    def test_not_stale(self) -> None:
        """The pages in docs are what the program's tables say now; `make docs` makes them so."""
        for page, make in PAGES.items():
            self.assertEqual((DOCS / f"{page}.md").read_text("utf-8"), make(), f"docs/{page}.md is stale: make docs")


class ConfigurationPageTests(SynchronousTestCase):
    """The reference of the configuration."""

    def check_table(self, page: str, kind: TableOf, prefix: str = "") -> None:
        """Check that a table's keys stand on the page, and those of the tables within it."""
        for key, inner in settings_of(kind.table).items():
            if isinstance(inner.kind, TableOf):
                self.check_table(page, inner.kind, f"{prefix}{key}.")
            else:
                self.assertIn(f"| `{prefix}{key}` |", page)
                self.assertIn(inner.doc.replace("``", "`"), page)

    def test_every_key(self) -> None:
        """Every table, every key of it with its words, and every variable stand on the page."""
        page = configuration_page()
        for name, setting in settings_of(Settings).items():
            self.assertIn(f"[{name}]", page)
            if isinstance(setting.kind, TableOf):
                self.check_table(page, setting.kind)
        for variable in ENVIRONMENT:
            self.assertIn(f"`{variable}`", page)

    def test_defaults(self) -> None:
        """Defaults are written as TOML writes them; a key that has to be given says so."""
        page = configuration_page()
        for line in (
            "| `port` | a whole number from 0 to 65535 | `8045` |",
            "| `allow_lan_access` | true or false | `false` |",
            '| `default_model` | text without control characters | `""` |',
            '| `late_system` | one of "hoist", "inline" | `"hoist"` |',
            "| `header_hold_seconds` | a number of seconds from 0 to 86400 | `10` |",
            '| `api_keys[].key` | a secret in printable ASCII, "env:NAME" or "file:PATH" | required |',
        ):
            self.assertIn(line, page)


class ParityPageTests(SynchronousTestCase):
    """The parity table as a page."""

    def test_every_row(self) -> None:
        """Every row stands on the page with its state and words, and so does every unproven entry."""
        lines = parity_page().splitlines()
        for row in read_rows():
            shown = row.parameter.replace("|", "\\|")
            [*found] = (line for line in lines if line.startswith(f"| `{shown}`") and row.words in line)
            self.assertTrue(any(row.state in line for line in found), row.parameter)
        for each in read_unproven():
            self.assertIn(f"- **{each.entry}**: {each.words}", lines)

    def test_legend(self) -> None:
        """Every state is explained."""
        for state in STATES:
            self.assertIn(f"- **{state}**", parity_page())


class TableTests(SynchronousTestCase):
    """Markdown tables."""

    def test_bars(self) -> None:
        """A bar within a cell does not end it."""
        self.assertEqual(table(("A", "B"), [("a|b", "c")]), "| A | B |\n| --- | --- |\n| a\\|b | c |")
