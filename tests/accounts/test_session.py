"""Which conversation a request belongs to."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.session import session_key
from agd.conversation import Code, Media, Message, Prompt, Text
from agd.conversation.session import CHAIN, HEADER, KEY, USER, said, session_of, weightier


def key(*turns: Message, owner: str = "ann", **fields: Any) -> str:
    """Return the key of a conversation."""
    return session_key(Prompt("m", turns, **fields), owner)


def user(text: str) -> Message:
    """Make a turn of the user."""
    return Message("user", (Text(text),))


def answer(text: str) -> Message:
    """Make a turn of the model."""
    return Message("assistant", (Text(text),))


class KeyTests(SynchronousTestCase):
    """session_key."""

    def test_K12_grows(self) -> None:
        """A conversation is the same one as it grows, whichever model it is put to."""
        first = key(user("hi"), instructions=("be brief",))
        self.assertEqual(first, key(user("hi"), answer("ho"), user("more"), instructions=("be brief",)))
        self.assertEqual(first, session_key(Prompt("other", (user("hi"),), instructions=("be brief",)), "ann"))
        self.assertRegex(first, r"\A[0-9a-f]{32}\Z")

    def test_K12_distinct(self) -> None:
        """Another beginning, other instructions, or another owner: another conversation."""
        keys = {
            key(user("hi")),
            key(user("ho")),
            key(user("hi"), instructions=("x",)),
            key(user("hi"), instructions=("x", "")),
            key(instructions=("hi",)),
            key(user("hi"), owner="bob"),
            key(user("hi"), session="user:ann"),
            key(user("hi"), session="user:ann", owner="bob"),
            key(user("hi"), session="key:ann"),
            key(Message("user", (Media("image/png", "AAAA"),))),
            key(Message("user", (Media("image/png", "AAAB"),))),
            key(Message("user", (Media("image/png", uri="https://x"),))),
            key(Message("user", (Code("hi"), Text("x")))),
        }
        self.assertEqual(len(keys), 13)

    def test_what_is_said_is_enough(self) -> None:
        """What the client says of its conversation makes its words count no more."""
        self.assertEqual(key(user("hi"), session="key:1"), key(user("ho"), session="key:1"))

    def test_long_texts(self) -> None:
        """Of a long text the beginning and the length are looked at."""
        long = "x" * 100_000
        self.assertEqual(key(user(long)), key(user(long)))
        self.assertNotEqual(key(user(long)), key(user(long + "y")))

    def test_any_text(self) -> None:
        """A lone surrogate does no harm."""
        self.assertEqual(len(key(user("\ud800"))), 32)


class SaidTests(SynchronousTestCase):
    """What clients say."""

    def test_fields(self) -> None:
        """prompt_cache_key comes before user; what is no text, or empty, says nothing."""
        self.assertEqual(session_of({"prompt_cache_key": "k", "user": "u"}), "key:k")
        self.assertEqual(session_of({"prompt_cache_key": "", "user": "u"}), "user:u")
        self.assertIsNone(session_of({"prompt_cache_key": 1, "user": None}))

    def test_order(self) -> None:
        """The closer name of a conversation holds: chain, key, header, user."""
        names = [said(kind, "x") for kind in (CHAIN, KEY, HEADER, USER)]
        for place, name in enumerate(names):
            for other in names[place:]:
                self.assertEqual((weightier(name, other), weightier(other, name)), (name, name))
        self.assertEqual((weightier(None, "user:x"), weightier("user:x", None)), ("user:x", "user:x"))
        self.assertIsNone(weightier(None, None))
