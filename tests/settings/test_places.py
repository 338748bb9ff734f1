"""Where the configuration is looked for."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import ConfigurationError
from agd.settings import find_configuration

HOME = {"HOME": "/home/ann"}
USER = "/home/ann/.config/agd/agd.toml"
SYSTEM = "/etc/agd/agd.toml"


def find(*files: str, option: str | None = None, environ: Mapping[str, str] = HOME) -> str | None:
    """Look for a configuration where only these files exist."""
    return find_configuration(option, environ, files.__contains__)


class FindConfigurationTests(SynchronousTestCase):
    """The order of the places."""

    def test_order(self) -> None:
        """The option comes first, then AGD_CONFIG, the user's file, the system's file."""
        environ = {**HOME, "AGD_CONFIG": "b.toml"}
        files = ("a.toml", "b.toml", USER, SYSTEM)
        self.assertEqual(find(*files, option="a.toml", environ=environ), "a.toml")
        self.assertEqual(find(*files, environ=environ), "b.toml")
        self.assertEqual(find(*files), USER)
        self.assertEqual(find(SYSTEM), SYSTEM)
        self.assertIsNone(find())

    def test_xdg(self) -> None:
        """XDG_CONFIG_HOME replaces ~/.config, unless it is relative."""
        self.assertEqual(find("/x/agd/agd.toml", USER, environ={**HOME, "XDG_CONFIG_HOME": "/x"}), "/x/agd/agd.toml")
        self.assertEqual(find("x/agd/agd.toml", USER, environ={**HOME, "XDG_CONFIG_HOME": "x"}), USER)

    def test_no_home(self) -> None:
        """Without a home only the system's file is left; an empty AGD_CONFIG is none."""
        self.assertEqual(find(USER, ".config/agd/agd.toml", SYSTEM, environ={"AGD_CONFIG": ""}), SYSTEM)

    def test_named_and_missing(self) -> None:
        """A file that is named and does not exist is an error that says who named it."""
        for option, environ, origin in (
            ("a.toml", HOME, "--config"),
            (None, {**HOME, "AGD_CONFIG": "a.toml"}, "env:AGD_CONFIG"),
        ):
            with self.assertRaises(ConfigurationError) as caught:
                find(USER, option=option, environ=environ)
            self.assertEqual(caught.exception.source, "a.toml")
            self.assertEqual(caught.exception.problems[0].path, origin)
