"""How many tokens a request will take, guessed; and lengths of time as OpenAI writes them; and keys."""

from __future__ import annotations

import hashlib

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media, Message, Prompt, Sampling, Text, Tool, ToolCall, ToolResult
from agd.keys.amount import NOTHING, Estimate
from agd.keys.estimate import ASSUMED_OUTPUT, PER_IMAGE, PER_MESSAGE, estimate
from agd.keys.key import StoredKey, digest_of, is_name, mint
from agd.keys.refusals import told

HELLO = Message("user", (Text("x" * 40),))
PROMPT = Prompt("m", (HELLO,))


class EstimateTests(SynchronousTestCase):
    """Everything that is sent counts, and what may be answered."""

    def test_words(self) -> None:
        """Four bytes are a token; instructions, calls and results are words as well."""
        self.assertEqual(estimate(PROMPT), Estimate(10 + PER_MESSAGE, ASSUMED_OUTPUT))
        self.assertEqual(estimate(evolve(PROMPT, instructions=("y" * 8,))).input, 12 + PER_MESSAGE)
        call = Message("assistant", (ToolCall("c", "abcd", '{"a":1} '),))
        result = Message("user", (ToolResult("c", (Text("ok: "),)),))
        self.assertEqual(estimate(Prompt("m", (call, result))).input, 1 + 2 + 1 + 2 * PER_MESSAGE)
        self.assertEqual(estimate(Prompt("m", (Message("user", (Text("ü" * 40),)),))).input, 20 + PER_MESSAGE)
        self.assertGreater(estimate(evolve(PROMPT, tools=(Tool("f", "d" * 400, {"type": "object"}),))).input, 110)

    def test_media(self) -> None:
        """An image counts as one, whatever its size; the rest by size."""
        for media, tokens in (
            (Media("image/png", "A" * 10_000), PER_IMAGE),
            (Media(None, uri="https://a.example/b"), PER_IMAGE),
            (Media("audio/mp3", "A" * 16_000), 30),
        ):
            self.assertEqual(estimate(Prompt("m", (Message("user", (media,)),))).input, tokens + PER_MESSAGE)

    def test_output(self) -> None:
        """The client's limit counts for each choice of each conversation; nothing to generate is nothing."""
        limited = evolve(PROMPT, sampling=Sampling(max_tokens=50), n=3, further=((HELLO,),))
        self.assertEqual(estimate(limited), Estimate(2 * (10 + PER_MESSAGE), 300))
        self.assertEqual(estimate(evolve(limited, n=1, best_of=2)).output, 200)
        self.assertEqual(estimate(evolve(limited, silent=True)), NOTHING)


class ToldTests(SynchronousTestCase):
    """Lengths of time."""

    def test_forms(self) -> None:
        """They look like those in OpenAI's headers."""
        for seconds, shown in (
            (0, "0ms"), (0.0124, "12ms"), (1, "1s"), (8.64, "8.64s"), (59.9996, "1m0s"), (90.951, "1m30.951s"),
            (360, "6m0s"), (3600, "1h0m0s"), (86400, "24h0m0s"),
        ):  # fmt: skip
            self.assertEqual(told(seconds), shown)


class KeyTests(SynchronousTestCase):
    """Keys themselves."""

    def test_key(self) -> None:
        """A key has 256 random bits, and its digest is SHA-256; neither it nor the digest is ever shown."""
        key = mint(bytes)
        self.assertEqual(key, "agd-" + "A" * 43)
        self.assertEqual(digest_of(key), hashlib.sha256(key.encode()).digest())
        self.assertNotIn(repr(digest_of(key)), repr(StoredKey("ann", digest_of(key), 0)))

    def test_names(self) -> None:
        """A name is one word that needs no quoting."""
        for name in ("ann", "Ann.B-2", "a@b.example", "0_+"):
            self.assertTrue(is_name(name), name)
        for name in ("", "-a", ".a", "a b", "ü", "a" * 65, "a/b", "a\n"):
            self.assertFalse(is_name(name), name)
