"""What a daemon starts with, read from real files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import ConfigurationError
from agd.launch import Launch, prepare
from agd.settings import ENVIRONMENT_SOURCE, Override
from tests.private import write_private
from tests.settings.configurations import key

ACCOUNT = '[[accounts]]\nemail = "ann@example.com"\napi_key = "made-up"\n'


class LaunchTestCase(SynchronousTestCase):
    """A folder with a configuration in it, and nothing in the environment."""

    def setUp(self) -> None:
        """Make the folder."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.file = self.folder / "agd.toml"

    def prepare(
        self,
        text: str | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Sequence[Override] = (),
        listen: Sequence[str] = (),
    ) -> Launch:
        """Prepare from a configuration of this text."""
        if text is not None:
            write_private(self.file, text)
        environ = {"HOME": str(self.folder), **(environ or {})}
        return prepare(str(self.file), environ=environ, overrides=overrides, listen=listen)

    def refused(
        self, text: str | None = None, environ: Mapping[str, str] | None = None, listen: Sequence[str] = ()
    ) -> ConfigurationError:
        """Prepare from a configuration that must not start."""
        with self.assertRaises(ConfigurationError) as caught:
            self.prepare(text, environ, listen=listen)
        error: ConfigurationError = caught.exception
        return error

    def paths(self, text: str, environ: Mapping[str, str] | None = None, listen: Sequence[str] = ()) -> list[str]:
        """Give the key paths of everything that is wrong."""
        return [problem.path for problem in self.refused(text, environ, listen).problems]


class ModelTests(LaunchTestCase):
    """The tables of ``models``."""

    def test_sound(self) -> None:
        """A table of known traits in their types is taken as it is."""
        launch = self.prepare('[models."gemini-9"]\nmax_output = 5\nlevels = ["low"]\nthinking = "level"\n' + ACCOUNT)
        self.assertEqual(launch.settings.models["gemini-9"]["max_output"], 5)

    def test_problems(self) -> None:
        """Unknown traits and wrong types are told by the table that they stand in, all of them at once."""
        text = '[models."gemini-9"]\nmax_tokens = 5\n[models."tuned-x"]\npenalties = 1\n[models.ok]\nstops = 3\n'
        error = self.refused(text + ACCOUNT)
        self.assertEqual([problem.path for problem in error.problems], ['models."gemini-9"', 'models."tuned-x"'])
        self.assertIn("max_tokens", error.problems[0].found)
        self.assertIn("penalties", error.problems[1].found)


class FileTests(LaunchTestCase):
    """A configuration file."""

    def test_sound(self) -> None:
        """A sound file gives its settings, its path as their source, and listeners on this machine."""
        launch = self.prepare("proxy.port = 9001\n" + ACCOUNT)
        self.assertEqual(launch.source, str(self.file))
        self.assertEqual(launch.settings.accounts[0].email, "ann@example.com")
        self.assertEqual(launch.listeners[0], "tcp:port=9001:backlog=1024:interface=127.0.0.1")
        self.assertTrue(launch.loopback_only)
        self.assertEqual(launch.warnings, ())

    def test_missing(self) -> None:
        """A file that was named and is not there is a problem, told with its path."""
        error = self.refused()
        self.assertEqual((error.source, error.problems[0].path), (str(self.file), "--config"))

    def test_folder(self) -> None:
        """So is a folder in its place."""
        self.file.mkdir()
        self.assertEqual([problem.path for problem in self.refused().problems], ["file"])

    def test_not_text(self) -> None:
        """So are bytes that are not UTF-8, which are not shown."""
        self.file.write_bytes(b'[proxy]\napi_key = "\xff\xfesecret"\n')
        error = self.refused()
        self.assertEqual([problem.path for problem in error.problems], ["file"])
        self.assertNotIn("secret", str(error))

    def test_not_toml(self) -> None:
        """So is what is not TOML, told with its line."""
        self.assertIn("line 2", str(self.refused("[proxy]\nport 8045\n")))


class SecretTests(LaunchTestCase):
    """Secrets that are kept elsewhere."""

    def test_beside_the_file(self) -> None:
        """A relative file: secret stands beside the configuration, wherever the daemon was started."""
        (self.folder / "keys").mkdir()
        write_private(self.folder / "keys" / "ann", "made-up-key\n")
        launch = self.prepare('[[accounts]]\napi_key = "file:keys/ann"\n')
        self.assertEqual(key(launch.settings).reveal(), "made-up-key")

    def test_absolute(self) -> None:
        """An absolute one stands where it says."""
        elsewhere = Path(self.mktemp()).absolute()
        write_private(elsewhere, "made-up-key")
        launch = self.prepare(f'[[accounts]]\napi_key = "file:{elsewhere}"\n')
        self.assertEqual(key(launch.settings).reveal(), "made-up-key")

    def test_environment(self) -> None:
        """An env: secret comes from the environment that was given."""
        launch = self.prepare('[[accounts]]\napi_key = "env:ANN"\n', {"ANN": "made-up-key"})
        self.assertEqual(key(launch.settings).reveal(), "made-up-key")

    def test_missing(self) -> None:
        """Secrets that are not where they should be are all told at once."""
        text = '[[accounts]]\napi_key = "file:nowhere"\n[[accounts]]\napi_key = "env:NOWHERE"\n'
        self.assertEqual(self.paths(text), ["accounts[0].api_key", "accounts[1].api_key"])


class PlaceTests(LaunchTestCase):
    """Without --config."""

    def test_home(self) -> None:
        """The file in the home folder is found."""
        place = self.folder / ".config" / "agd"
        place.mkdir(parents=True)
        (place / "agd.toml").write_text("proxy.port = 9002", encoding="utf-8")
        launch = prepare(None, environ={"HOME": str(self.folder)})
        self.assertEqual((launch.source, launch.settings.proxy.port), (str(place / "agd.toml"), 9002))

    def test_named_in_environment(self) -> None:
        """AGD_CONFIG names one as well, before any usual place."""
        self.file.write_text("proxy.port = 9003", encoding="utf-8")
        launch = prepare(None, environ={"HOME": str(self.folder), "AGD_CONFIG": str(self.file)})
        self.assertEqual((launch.source, launch.settings.proxy.port), (str(self.file), 9003))

    def test_environment_alone(self) -> None:
        """Without any file the key in the environment is the account."""
        if os.path.exists("/etc/agd/agd.toml"):
            self.skipTest("this machine has a configuration of its own in /etc/agd")
        launch = prepare(None, environ={"HOME": str(self.folder), "GEMINI_API_KEY": "made-up-key"})
        self.assertEqual(launch.source, ENVIRONMENT_SOURCE)
        self.assertEqual([key(launch.settings).reveal()], ["made-up-key"])

    def test_override(self) -> None:
        """An option beats the file."""
        launch = self.prepare("proxy.port = 9004", overrides=[Override("--port", "proxy", "port", "9005")])
        self.assertEqual(launch.settings.proxy.port, 9005)
        self.assertIn("port=9005", launch.listeners[0])


class StateTests(LaunchTestCase):
    """Where state is kept."""

    def test_default(self) -> None:
        """The database stands in the state directory of the user."""
        launch = self.prepare("")
        self.assertEqual(launch.state_directory, f"{self.folder}/.local/state/agd")
        self.assertEqual(launch.store_path, f"{self.folder}/.local/state/agd/agd.db")

    def test_systemd(self) -> None:
        """A unit's own directory goes before it; a relative path starts there."""
        launch = self.prepare('store.path = "here/my.db"', {"STATE_DIRECTORY": "/var/lib/agd"})
        self.assertEqual(launch.state_directory, "/var/lib/agd")
        self.assertEqual(launch.store_path, "/var/lib/agd/here/my.db")

    def test_off(self) -> None:
        """A store that is off has no path, and needs no directory."""
        launch = self.prepare('store.path = "off"', {"HOME": ""})
        self.assertEqual((launch.state_directory, launch.store_path), (None, None))

    def test_absolute(self) -> None:
        """An absolute path needs no directory either; what else is kept then stands beside it."""
        launch = self.prepare('store.path = "/srv/agd/my.db"', {"HOME": ""})
        self.assertEqual((launch.state_directory, launch.store_path), ("/srv/agd", "/srv/agd/my.db"))

    def test_no_home(self) -> None:
        """Without any place for state the setting is told, with what would help."""
        error = self.refused("", {"HOME": ""})
        self.assertEqual([problem.path for problem in error.problems], ["store.path"])
        self.assertIn('"off"', error.problems[0].allowed)


class CheckTests(LaunchTestCase):
    """What must fit together."""

    def test_auth(self) -> None:
        """Whoever lets other machines in needs a key."""
        self.assertEqual(self.paths("proxy.allow_lan_access = true"), ["proxy.api_key"])

    def test_auth_of_listeners(self) -> None:
        """A listener beyond this machine counts like LAN access; one on this machine does not."""
        self.assertEqual(self.paths("", listen=["unix:/run/agd.sock", "tcp:8045"]), ["proxy.api_key"])
        launch = self.prepare("", listen=["unix:/run/agd.sock", "tcp:8045:interface=127.0.0.1"])
        self.assertTrue(launch.loopback_only)
        launch = self.prepare('proxy.api_key = "made-up"', listen=["unix:/run/agd.sock", "tcp:8045"])
        self.assertFalse(launch.loopback_only)

    def test_auth_off(self) -> None:
        """Who writes down that nobody needs a key is believed."""
        self.assertFalse(self.prepare('proxy.auth_mode = "off"', listen=["tcp:8045"]).loopback_only)

    def test_mapping(self) -> None:
        """Rules that loop and rules that lead nowhere are told at their keys."""
        text = '[proxy]\ndefault_model = "claude-x"\n[proxy.custom_mapping]\n"a" = "b"\n"b" = "a"\n"c" = "nothing"\n'
        keys = [f'proxy.custom_mapping."{name}"' for name in "abc"]
        self.assertEqual(self.paths(text), [*keys, "proxy.default_model"])

    def test_all_at_once(self) -> None:
        """Missing keys and wrong rules are told together, each on a line with the file's path."""
        text = 'proxy.allow_lan_access = true\nproxy.default_model = "nothing"\nproxy.custom_mapping = {"a" = "b"}\n'
        error = self.refused(text)
        self.assertEqual(
            [problem.path for problem in error.problems],
            ["proxy.api_key", 'proxy.custom_mapping."a"', "proxy.default_model"],
        )
        lines = str(error).splitlines()
        self.assertEqual([line.startswith(f"{self.file}: ") for line in lines], [True] * 3)

    def test_values_at_once(self) -> None:
        """Wrong keys, types and values are told together as well."""
        text = '[proxy]\nport = "8045"\nauth = "off"\nauth_mode = "sometimes"\n'
        self.assertEqual(sorted(self.paths(text)), ["proxy.auth", "proxy.auth_mode", "proxy.port"])

    def test_no_secret_shown(self) -> None:
        """No problem shows a key."""
        text = 'proxy.api_key = "made-up-secret"\nproxy.default_model = "nothing"\n' + ACCOUNT
        self.assertNotIn("made-up", str(self.refused(text)))

    def test_warnings(self) -> None:
        """What is allowed but unwise is a warning and no problem."""
        launch = self.prepare('proxy.api_key = "sk-antigravity"', listen=["tcp:8045"])
        self.assertEqual(len(launch.warnings), 2)
        self.assertIn("sk-antigravity", launch.warnings[0])
