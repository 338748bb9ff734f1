"""State that clients carry, sealed."""

from __future__ import annotations

import os
import zlib
from typing import Any
from unittest.mock import patch

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd import sealing
from agd.encoding import InvalidJSON
from agd.sealing import KeyRing, Keys, TooLarge

ANN, BOB = "key:ann", "local"
STATE = [{"kind": "call", "id": "call_1", "signature": "c2lnbmF0dXJl" * 10}]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def ring(*sealed_by: bytes) -> KeyRing:
    """Make a ring of these keys, the first one seals."""
    return KeyRing(Keys(sealed_by or (b"1" * 32,), b"n" * 32), os.urandom)


class SealingTests(SynchronousTestCase):
    """There and back."""

    @given(st.text(), JSON)
    def test_I31_back(self, owner: str, value: Any) -> None:
        """Any JSON value comes back exactly to the owner for whom it was sealed, by a ring with the same keys."""
        self.assertEqual(repr(ring().open(owner, ring().seal(owner, value))), repr(value))

    def test_I31_hidden(self) -> None:
        """A sealed text is a word that may stand in any header or JSON, and shows nothing of the value."""
        sealed = ring().seal(ANN, ["visible words"] * 20)
        self.assertTrue(sealed.startswith("agd1."))
        self.assertEqual(set(sealed.removeprefix("agd1.")) - set(ALPHABET), set())
        self.assertNotEqual(sealed, ring().seal(ANN, ["visible words"] * 20))
        self.assertLess(len(sealed), 200)

    def test_I31_owner(self) -> None:
        """What was sealed for one owner or purpose does not open for another, however the two are cut."""
        sealed = ring().seal("ab", STATE, "c")
        for owner, purpose in (("a", "bc"), ("ab", "state"), ("b", "c"), ("", "cab"), ("b", "ca"), ('ab","c', "")):
            self.assertIsNone(ring().open(owner, sealed, purpose))
        self.assertEqual(ring().open("ab", sealed, "c"), STATE)

    def test_I31_rotation(self) -> None:
        """The newest key seals; what an older one has sealed opens as long as that is on the ring."""
        old, new = b"1" * 32, b"2" * 32
        sealed = ring(old).seal(ANN, STATE)
        both = ring(new, old)
        self.assertEqual(both.open(ANN, sealed), STATE)
        self.assertIsNone(ring(new).open(ANN, sealed))
        self.assertEqual(ring(new).open(ANN, both.seal(ANN, STATE)), STATE)

    def test_renewed(self) -> None:
        """A ring takes new keys while it is used."""
        held = ring()
        sealed = held.seal(ANN, STATE)
        held.keys = Keys((b"2" * 32, *held.keys.sealing), held.keys.naming)
        self.assertEqual(held.open(ANN, sealed), STATE)
        self.assertIsNone(ring().open(ANN, held.seal(ANN, STATE)))

    def test_I31_size(self) -> None:
        """What is too large or nested too deeply is refused, not cut."""
        nested: list[Any] = []
        for _ in range(100_000):
            nested = [nested]
        with patch.object(sealing, "MAX_BYTES", 1000):
            self.assertEqual(ring().open(ANN, ring().seal(ANN, "x" * 998)), "x" * 998)
            with self.assertRaises(TooLarge):
                ring().seal(ANN, "x" * 999)
        with self.assertRaises(InvalidJSON):
            ring().seal(ANN, nested)


class ForgeryTests(SynchronousTestCase):
    """What was not sealed here."""

    @given(st.text() | st.text(ALPHABET).map("agd1.".__add__) | st.binary() | JSON)
    def test_I33_anything(self, text: object) -> None:
        """Whatever comes in its place opens as nothing, and never raises."""
        self.assertIsNone(ring().open(ANN, text))

    @given(st.data())
    def test_I33_changed(self, data: st.DataObject) -> None:
        """A sealed text of which one character is another, or that was cut or made longer, opens as nothing."""
        sealed = ring().seal(ANN, STATE)
        place = data.draw(st.integers(0, len(sealed) - 1))
        other = data.draw(st.sampled_from(ALPHABET).filter(lambda each: each != sealed[place]))
        changed = data.draw(
            st.sampled_from((sealed[:place] + other + sealed[place + 1 :], sealed[:place], sealed + other * 4))
        )
        # The last character may hold bits that mean nothing (RFC 4648, 3.5): the text is then the same one.
        self.assertIn(ring().open(ANN, changed), (None, STATE) if place == len(sealed) - 1 else (None,))

    def test_I33_foreign(self) -> None:
        """The state of another service, of another agd, and of a version to come opens as nothing."""
        other = ring(b"9" * 32).seal(ANN, STATE)
        for text in ("gAAAAABoISQ24OyVRYbkYfukdJoqdzWT-3uiErKInHDC", other, other.replace("agd1.", "agd2."), ""):
            self.assertIsNone(ring().open(ANN, text))

    def test_I33_bomb(self) -> None:
        """What would unpack to more than is ever sealed is not unpacked, even with the right key on it."""
        with patch.object(zlib, "compress", lambda *_: bomb()):
            sealed = ring().seal(ANN, STATE)
        with patch.object(sealing, "MAX_BYTES", 10_000):
            self.assertIsNone(ring().open(ANN, sealed))
        self.assertEqual(ring().open(ANN, sealed), " " * 10**6)

    def test_I33_wrong_inside(self) -> None:
        """So is what unpacks to no JSON, or is cut inside the seal."""
        for packed in (b"no zlib", zlib.compress(b"{"), zlib.compress(b"[1, 2, 3]")[:-5]):
            with patch.object(zlib, "compress", lambda *_, packed=packed: packed):
                sealed = ring().seal(ANN, STATE)
            self.assertIsNone(ring().open(ANN, sealed))


class NameTests(SynchronousTestCase):
    """Owners of keys without a name."""

    def test_stable(self) -> None:
        """The same key has the same name whatever seals, another key another one, and it is not the key."""
        held = ring()
        name = held.owner_mac("key-one")
        held.keys = evolve(held.keys, sealing=(b"2" * 32,))
        self.assertEqual(held.owner_mac("key-one"), name)
        self.assertNotEqual(held.owner_mac("key-two"), name)
        self.assertNotIn("key-one", name)

    def test_of_this_ring(self) -> None:
        """Without the ring's own key nobody can make the name from the client's key."""
        held = ring()
        name = held.owner_mac("key-one")
        held.keys = evolve(held.keys, naming=b"m" * 32)
        self.assertNotEqual(held.owner_mac("key-one"), name)

    def test_hidden(self) -> None:
        """A ring shows no key."""
        self.assertNotIn("1111", repr(ring()))
        self.assertNotIn("nnnn", repr(ring().keys))

    def test_fresh(self) -> None:
        """A fresh ring opens what it has sealed, and no other fresh ring does."""
        held = KeyRing.fresh(os.urandom)
        sealed = held.seal(ANN, STATE)
        self.assertEqual(held.open(ANN, sealed), STATE)
        self.assertIsNone(KeyRing.fresh(os.urandom).open(ANN, sealed))


def bomb() -> bytes:
    """Give a short text that unpacks to a long one."""
    packing = zlib.compressobj(9)
    return packing.compress(b'"' + b" " * 10**6 + b'"') + packing.flush()
