"""The key file."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import StoreError
from agd.sealing import Keys
from agd.store.keys import OPENING_SECONDS, SEALING_SECONDS, KeyFile, load_keys
from tests.store.stage import NOW


def counting() -> Callable[[int], bytes]:
    """Make a source of bytes that are all different and known."""
    numbers = itertools.count(1)
    return lambda length: bytes([next(numbers)]) * length


class KeyFileTests(SynchronousTestCase):
    """What the file says."""

    def test_there_and_back(self) -> None:
        """The text holds everything, the newest key in the first line."""
        made = KeyFile(((20, b"b" * 32), (10, b"a" * 32)), b"n" * 32)
        self.assertEqual(made.text, f"seal 20 {'62' * 32}\nseal 10 {'61' * 32}\nowner {'6e' * 32}\n")
        self.assertEqual(KeyFile.read(made.text), made)
        self.assertEqual(made.keys, Keys((b"b" * 32, b"a" * 32), b"n" * 32))

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """Any other text is no key file."""
        self.assertIsNone(KeyFile.read(text))

    def test_cut(self) -> None:
        """A file that was cut anywhere is none either: half a key must not seal."""
        text = KeyFile(((20, b"b" * 32), (10, b"a" * 32)), b"n" * 32).text
        for end in range(len(text)):
            self.assertIsNone(KeyFile.read(text[:end]), end)

    def test_rotation(self) -> None:
        """After 90 days a new key is put in front; the old one opens for one year more, and is then gone."""
        random = counting()
        first = KeyFile.fresh(NOW, random)
        self.assertEqual(first.at(NOW + SEALING_SECONDS - 1, random), first)
        replaced = NOW + SEALING_SECONDS
        second = first.at(replaced, random)
        self.assertEqual([made for made, _ in second.sealing], [replaced, NOW])
        self.assertEqual(second.naming, first.naming)
        # Every 90 days the daemon is looked after; the first key was replaced at ``replaced``.
        held = second
        for days in range(90, 365, 90):
            held = held.at(replaced + days * 86400, random)
        self.assertIn(first.sealing[0], held.at(replaced + OPENING_SECONDS - 1, random).sealing)
        self.assertNotIn(first.sealing[0], held.at(replaced + OPENING_SECONDS, random).sealing)

    def test_long_off(self) -> None:
        """After years without agd the last key still opens: it has sealed until now."""
        random = counting()
        first = KeyFile.fresh(NOW, random)
        later = first.at(NOW + 10 * OPENING_SECONDS, random)
        self.assertEqual(len(later.sealing), 2)
        self.assertEqual(later.sealing[1], first.sealing[0])

    def test_clock_set_back(self) -> None:
        """A clock that was wrong makes no key lost."""
        random = counting()
        first = KeyFile.fresh(NOW, random)
        self.assertEqual(first.at(0, random), first)

    def test_hidden(self) -> None:
        """It shows no key."""
        self.assertNotIn("bbbb", repr(KeyFile(((20, b"b" * 32),), b"b" * 32)))


class LoadingTests(SynchronousTestCase):
    """The file itself."""

    def setUp(self) -> None:
        """Choose a folder that does not exist yet."""
        self.folder = Path(self.mktemp()).absolute() / "state"
        self.file = self.folder / "sealing.keys"
        self.random = counting()

    def load(self, now: int = NOW) -> Keys:
        """Load the keys."""
        return load_keys(str(self.folder), now, self.random)

    def refused(self) -> str:
        """Give the sentence with which the file is refused."""
        before = self.file.read_bytes() if self.file.is_file() else b""
        with self.assertRaises(StoreError) as caught:
            self.load()
        text = str(caught.exception)
        self.assertEqual(len(text.splitlines()), 1)
        self.assertIn(str(self.file), text)
        self.assertEqual(self.file.read_bytes() if self.file.is_file() else b"", before)
        return text

    def test_made(self) -> None:
        """A missing file is made, for this user alone whatever the umask, and is the same the next time."""
        self.addCleanup(os.umask, os.umask(0))
        keys = self.load()
        self.assertEqual(self.load(), keys)
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o700)
        self.assertEqual(list(self.folder.iterdir()), [self.file])

    def test_renewed(self) -> None:
        """When it is time the file gets a new key in front; old ones stay in it."""
        old = self.load()
        new = self.load(NOW + SEALING_SECONDS)
        self.assertEqual(new.sealing[1:], old.sealing)
        self.assertEqual(self.load(NOW + SEALING_SECONDS), new)
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)

    def test_readable(self) -> None:
        """A file that others may read or change is refused with its mode and the cure."""
        self.load()
        for mode in (0o644, 0o640, 0o604, 0o620):
            self.file.chmod(mode)
            words = self.refused()
            self.assertIn(f"mode {mode:04o}", words)
            self.assertIn("chmod 600", words)

    def test_garbage(self) -> None:
        """Anything else in its place is refused, without a word of it, and left as it is."""
        self.load()
        secret = self.file.read_text().split()[2]
        for text in ("", "words\n", self.file.read_text()[:-2], "\xff\xfe"):
            self.file.write_text(text, encoding="latin-1")
            self.assertNotIn(secret[:8], self.refused())

    def test_folder_in_its_place(self) -> None:
        """So is a folder in its place."""
        self.file.mkdir(parents=True)
        self.assertIn("Is a directory", self.refused())

    def test_no_folder(self) -> None:
        """A state directory that cannot be made is told with its path."""
        self.folder.parent.mkdir(parents=True)
        self.folder.write_text("a file in its place")
        with self.assertRaises(StoreError) as caught:
            self.load()
        self.assertIn(str(self.folder), str(caught.exception))

    def test_left_over(self) -> None:
        """What a process that was killed left beside it is no obstacle."""
        self.folder.mkdir(parents=True)
        (self.folder / "sealing.keys.new").write_text("seal 17")
        self.assertEqual(self.load(), self.load())

    def test_at_once(self) -> None:
        """Many that begin at once end with the same keys."""
        found: list[Keys] = []
        threads = [Thread(target=lambda: found.append(load_keys(str(self.folder), NOW, os.urandom))) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(len(found), 8)
        self.assertEqual(len({keys.sealing for keys in found}), 1)
