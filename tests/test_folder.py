"""The folder of accounts: a file for each, read with the configuration, written whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import ConfigurationError
from agd.folder import write_file
from agd.launch import Launch, prepare
from tests.private import write_private

MAIN = '[[accounts]]\nemail = "main@example.com"\napi_key = "made-up-main"\n'


class FolderTestCase(SynchronousTestCase):
    """A configuration, and a folder beside its state."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        self.folder = self.home / ".local" / "state" / "agd" / "accounts.d"
        self.folder.mkdir(parents=True)
        write_private(self.home / "agd.toml", MAIN)

    def put(self, name: str, text: str) -> Path:
        """Put a file into the folder."""
        path = self.folder / name
        write_private(path, text)
        return path

    def prepare(self, **environ: str) -> Launch:
        """Read all of it."""
        return prepare(str(self.home / "agd.toml"), environ={"HOME": str(self.home), **environ})

    def wrong(self) -> str:
        """Read all of it, which must fail; return what is said."""
        return str(self.assertRaises(ConfigurationError, self.prepare))


class ReadTests(FolderTestCase):
    """``read_folder``, as a part of ``prepare``."""

    def test_together(self) -> None:
        """Accounts of the folder come after those of the configuration, by the names of their files."""
        self.put("b.toml", 'email = "b@example.com"\napi_key = "made-up-b"\n')
        self.put("a.toml", 'email = "a@example.com"\napi_key = "made-up-a"\nweight = 2\n')
        self.put(".c.toml.new", "not yet")
        self.put("notes.txt", "nothing")
        launch = self.prepare()
        emails = [account.email for account in launch.settings.accounts]
        self.assertEqual(emails, ["main@example.com", "a@example.com", "b@example.com"])
        self.assertEqual(launch.sources, ("", str(self.folder / "a.toml"), str(self.folder / "b.toml")))

    def test_no_folder(self) -> None:
        """Where there is no folder there are no accounts in it."""
        self.folder.rmdir()
        self.assertEqual(len(self.prepare().settings.accounts), 1)

    def test_unreadable(self) -> None:
        """What cannot be read as a folder is a problem, not an empty folder."""
        self.folder.rmdir()
        self.folder.write_text("a file")
        self.assertIn(f"{self.folder}: folder: found Not a directory", self.wrong())

    def test_off(self) -> None:
        """The folder can be switched off."""
        self.put("a.toml", "not = toml = at all")
        write_private(self.home / "agd.toml", '[admin]\naccounts_dir = "off"\n' + MAIN)
        self.assertEqual(len(self.prepare().settings.accounts), 1)

    def test_problems(self) -> None:
        """Everything that is wrong is told at once, each with its file; what is checked is as in the configuration."""
        bad, worse = self.put("bad.toml", 'api_kye = "made-up"\n'), self.put("worse.toml", "kind = \n")
        said = self.wrong()
        self.assertIn(f'{bad}: api_kye: found unknown key "api_kye"; allowed: did you mean "api_key"?', said)
        self.assertIn(f"{bad}: api_key: found nothing", said)
        self.assertIn(f"{worse}: line 1", said)

    def test_beyond_the_table(self) -> None:
        """What only the users of an account find wrong is told with its file as well."""
        (self.home / "sa.json").write_text("{}")
        bad = self.put("bad.toml", f'api_key = "made-up"\nca = "file:{self.home}/none.pem"\n')
        self.assertIn(f"{bad}: ca: found file", self.wrong())

    def test_repeated(self) -> None:
        """A name that another account has is told, and who has it."""
        twin = self.put("twin.toml", 'email = "main@example.com"\napi_key = "made-up-2"\n')
        self.assertIn(f'{twin}: email: found "main@example.com", which the configuration has as well', self.wrong())

    def test_exposed(self) -> None:
        """A file with a secret that everybody can read is refused."""
        bad = self.put("bad.toml", 'api_key = "made-up-secret"\n')
        bad.chmod(0o644)
        said = self.wrong()
        self.assertIn(f"{bad}: file: found secrets (api_key) in this file, which everybody", said)
        self.assertNotIn("made-up-secret", said)

    def test_relative_secrets(self) -> None:
        """A secret's file is looked for from the account's own folder, also when it is read again."""
        write_private(self.folder / "a.key", "made-up-1")
        self.put("a.toml", 'api_key = "file:a.key"\n')
        launch = self.prepare()
        key = launch.settings.accounts[1].api_key
        assert key is not None
        self.assertEqual(key.reveal(), "made-up-1")
        self.assertEqual(launch.reading(1).source, str(self.folder / "a.toml"))

    def test_environment(self) -> None:
        """The environment's account stays when there are others in the folder."""
        write_private(self.home / "agd.toml", "")
        self.put("a.toml", 'api_key = "made-up-a"\n')
        self.assertEqual(len(self.prepare(GEMINI_API_KEY="made-up-env").settings.accounts), 2)

    def test_files(self) -> None:
        """What was read is known, also of a configuration that is wrong, and also what could not be read."""
        self.put("a.toml", 'api_key = "file:a.key"\n')
        error = self.assertRaises(ConfigurationError, self.prepare)
        wanted = {str(self.home / "agd.toml"), str(self.folder / "a.toml"), str(self.folder / "a.key")}
        self.assertLessEqual(wanted | {str(self.folder)}, set(error.files))
        write_private(self.folder / "a.key", "made-up-1")
        self.assertEqual(set(self.prepare().files), set(error.files))


class WriteTests(FolderTestCase):
    """``write_file``."""

    def test_written(self) -> None:
        """A file is its owner's alone, in a folder that is made for it, and nothing is left beside it."""
        self.folder.rmdir()
        path = Path(write_file(str(self.folder), "a@example.com", "x = 1\n"))
        self.assertEqual((path.name, path.read_text()), ("a@example.com.toml", "x = 1\n"))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o700)
        self.assertEqual(list(self.folder.iterdir()), [path])

    def test_taken(self) -> None:
        """A file that is there stays as it is."""
        path = self.put("a.toml", "precious")
        self.assertRaises(FileExistsError, write_file, str(self.folder), "a", "x = 1\n")
        self.assertEqual((path.read_text(), list(self.folder.iterdir())), ("precious", [path]))

    def test_two_at_a_time(self) -> None:
        """Of two who write one name at a time one does, whole, and the other is told."""
        for _ in range(20):
            told: list[object] = []

            def write(text: str, told: list[object] = told) -> None:
                try:
                    told.append(Path(write_file(str(self.folder), "b", text)).read_text() == text)
                except FileExistsError:
                    told.append(None)

            writers = [Thread(target=write, args=(letter * 100_000,)) for letter in "xy"]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            self.assertCountEqual(told, [True, None])
            (self.folder / "b.toml").unlink()
