"""Where the configuration is looked for, and where state is kept."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import ConfigurationError
from agd.settings import find_configuration, find_state_directory

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


class FindStateDirectoryTests(SynchronousTestCase):
    """The order of the places for state."""

    def test_order(self) -> None:
        """systemd's directory comes first, then the user's XDG_STATE_HOME, then ~/.local/state."""
        environ = {**HOME, "XDG_STATE_HOME": "/x", "STATE_DIRECTORY": "/var/lib/agd"}
        self.assertEqual(find_state_directory(environ), "/var/lib/agd")
        self.assertEqual(find_state_directory({**HOME, "XDG_STATE_HOME": "/x"}), "/x/agd")
        self.assertEqual(find_state_directory(HOME), "/home/ann/.local/state/agd")

    def test_several(self) -> None:
        """Of several directories of a unit the first one is taken."""
        self.assertEqual(find_state_directory({"STATE_DIRECTORY": "/var/lib/agd:/var/lib/more"}), "/var/lib/agd")

    def test_relative(self) -> None:
        """Relative ones are ignored, and so is a relative home."""
        self.assertEqual(find_state_directory({**HOME, "STATE_DIRECTORY": "a"}), "/home/ann/.local/state/agd")
        self.assertIsNone(find_state_directory({"HOME": "ann", "XDG_STATE_HOME": "x"}))
        self.assertIsNone(find_state_directory({}))
