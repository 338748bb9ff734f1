"""Tests of agd.protocols.completions.request."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Message, Prompt, Text
from agd.errors import BadRequest
from agd.protocols.completions.request import MOST_CHOICES
from agd.protocols.completions.request import read as read_completion
from tests.protocols.refusals import refusal_of


def read(**fields: Any) -> Prompt:
    """Read a request with these fields, for the prompt ``x`` where none is given."""
    return read_completion({"model": "m", "prompt": "x", **fields})


def refused(**fields: Any) -> BadRequest:
    """Return why a request with these fields is refused."""
    return refusal_of(read, **fields)


def turn(text: str) -> tuple[Message, ...]:
    """Return a conversation of one user turn."""
    return (Message("user", (Text(text),)),)


class PromptTests(SynchronousTestCase):
    """What is to be completed."""

    def test_J01_list(self) -> None:
        """Every string of a list is a conversation of its own, in order; a list of one is like the string alone."""
        prompt = read(prompt=["a", "b", "a"])
        self.assertEqual((prompt.messages, prompt.further), (turn("a"), (turn("b"), turn("a"))))
        self.assertEqual(read(prompt=["x"]), read(prompt="x"))

    def test_J01_too_many(self) -> None:
        """A request may not ask for more completions than the limit, however they come about."""
        self.assertEqual(len(read(prompt=["x"] * MOST_CHOICES).further), MOST_CHOICES - 1)
        self.assertEqual(refused(prompt=["x"] * (MOST_CHOICES + 1)).param, "prompt")
        self.assertEqual(refused(prompt=["x"] * 17, n=128).param, "prompt")
        self.assertEqual(refused(prompt=["x"] * 103, best_of=20).param, "prompt")

    def test_J02_token_arrays(self) -> None:
        """Numbers of tokens are refused in words, alone, nested and mixed with text."""
        prompts: list[list[Any]] = [[1, 2], [[1, 2]], ["a", 1], ["a", [1]], [[]]]
        for prompt in prompts:
            with self.subTest(prompt=prompt):
                error = refused(prompt=prompt)
                self.assertEqual((error.param, error.code), ("prompt", "unsupported_parameter"))
                self.assertIn("token input is not supported", error.message)

    def test_J03_missing(self) -> None:
        """No prompt is refused as missing, never replaced by OpenAI's document separator."""
        bodies: list[dict[str, Any]] = [{}, {"prompt": None}, {"prompt": []}]
        for body in bodies:
            error = refusal_of(read_completion, {"model": "m", **body})
            self.assertEqual((error.param, error.code), ("prompt", "missing_required_parameter"))

    def test_empty(self) -> None:
        """An empty prompt leaves nothing to go on and is refused at its place; before a suffix it is one."""
        self.assertEqual(refused(prompt="").param, "prompt")
        self.assertEqual(refused(prompt=["a", ""]).param, "prompt[1]")
        self.assertEqual(read(prompt="", suffix="b").messages, turn(""))

    def test_wrong_types(self) -> None:
        """A prompt that is neither text nor tokens is refused by its type, at its place."""
        for value, param in (
            (5, "prompt"),
            ({}, "prompt"),
            (True, "prompt"),
            ([True], "prompt[0]"),
            (["a", {}], "prompt[1]"),
        ):
            error = refused(prompt=value)
            self.assertEqual((error.param, error.code), (param, "invalid_type"))

    def test_J05_suffix(self) -> None:
        """The suffix is carried on as written; an empty one asks for nothing."""
        self.assertEqual(read(suffix=" end\n").suffix, " end\n")
        self.assertIsNone(read(suffix="").suffix)
        self.assertEqual(refused(suffix=5).param, "suffix")

    def test_J11_chat_fields(self) -> None:
        """Messages are refused with the name of their route; tools are told of."""
        error = refused(messages=[{"role": "user", "content": "x"}])
        self.assertEqual(error.param, "messages")
        self.assertIn("/v1/chat/completions", error.message)
        self.assertEqual([notice.param for notice in read(tools=[], user="ann").notices], ["tools", "user"])

    def test_E21_native_options(self) -> None:
        """The provider's own options are carried on, as on every endpoint."""
        native = {"thinking_config": {"thinking_budget": 0}}
        self.assertEqual(read(google=native).native, native)
        self.assertEqual(read(extra_body={"google": native}).native, native)

    def test_J12_single_turn(self) -> None:
        """A prompt is one turn of the user and nothing stands before it."""
        prompt = read(prompt="x")
        self.assertEqual((prompt.messages, prompt.instructions, prompt.notices), (turn("x"), (), ()))

    @given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
    def test_text_in(self, texts: list[str]) -> None:
        """No byte of a prompt changes, and reading twice gives the same."""
        prompt = read(prompt=texts)
        self.assertEqual([prompt.messages, *prompt.further], [turn(text) for text in texts])
        self.assertEqual(prompt, read(prompt=texts))


class CountTests(SynchronousTestCase):
    """How many completions are made."""

    def test_n(self) -> None:
        """n is from 1 to 128, and 1 when nothing is said."""
        self.assertEqual([read(n=n).n for n in (None, 1, 128)], [1, 1, 128])
        self.assertEqual([refused(n=n).param for n in (0, 129, "2")], ["n"] * 3)

    def test_J06_best_of(self) -> None:
        """best_of is what to choose from; as many as are wanted leave no choice."""
        self.assertEqual((read(n=2, best_of=3).best_of, read(n=2, best_of=3).n), (3, 2))
        self.assertEqual([read(best_of=1).best_of, read(n=3, best_of=3).best_of, read(n=3).best_of], [None] * 3)

    def test_J06_refused(self) -> None:
        """Less than n, more than 20, and anything to choose from in a stream are refused."""
        cases: list[dict[str, Any]] = [
            {"n": 3, "best_of": 2},
            {"best_of": 0},
            {"best_of": 21},
            {"best_of": 2, "stream": True},
            {"n": 2, "best_of": 2, "stream": True},
        ]
        for fields in cases:
            with self.subTest(fields=fields):
                self.assertEqual(refused(**fields).param, "best_of")
        self.assertIsNone(read(best_of=1, stream=True).best_of)


class LimitTests(SynchronousTestCase):
    """Token limits, echo and probabilities."""

    def test_J04_echo(self) -> None:
        """Echo is kept for the answer; with a limit of 0 nothing is to be generated."""
        self.assertEqual([len(read(echo=echo).echo) for echo in (True, False, None)], [1, 0, 0])
        prompt = read(echo=True, max_tokens=0)
        self.assertTrue(prompt.silent)
        self.assertIsNone(prompt.sampling.max_tokens)
        self.assertFalse(read(echo=True, max_tokens=1).silent)

    def test_J04_zero_without_echo(self) -> None:
        """A limit of 0 without echo asks for nothing at all and is refused, as is no number at all."""
        self.assertEqual(refused(max_tokens=0).param, "max_tokens")
        for limit in (-1, False, 0.0, "0"):
            self.assertEqual(refused(echo=True, max_tokens=limit).param, "max_tokens")

    def test_J07_logprobs(self) -> None:
        """0 to 5 ask for the token's own probability and so many more."""
        for most in (0, 5):
            sampling = read(logprobs=most).sampling
            self.assertEqual((sampling.logprobs, sampling.top_logprobs), (True, most))
        self.assertFalse(read(logprobs=None).sampling.logprobs)
        self.assertEqual([refused(logprobs=most).param for most in (-1, 6, True)], ["logprobs"] * 3)

    def test_J07_logprobs_of_the_prompt(self) -> None:
        """That the prompt's own tokens have no probabilities is told to who repeats it."""
        self.assertEqual([notice.param for notice in read(logprobs=1, echo=True).notices], ["logprobs"])

    def test_J08_no_default_limit(self) -> None:
        """OpenAI's default of 16 tokens is not applied; a limit that is given is."""
        self.assertIsNone(read().sampling.max_tokens)
        self.assertEqual(read(max_tokens=16).sampling.max_tokens, 16)

    def test_J10_as_chat(self) -> None:
        """Stop strings and the stream's options follow the rules of chat."""
        self.assertEqual(read(stop="a").sampling.stop, ("a",))
        self.assertEqual(read(stop=["a", "b"]).sampling.stop, ("a", "b"))
        prompt = read(stream=True, stream_options={"include_usage": True})
        self.assertEqual((prompt.stream, prompt.include_usage), (True, True))
        self.assertEqual(refused(stream_options={"include_usage": True}).param, "stream_options")

    def test_neutral_values(self) -> None:
        """Values that ask for nothing are not worth a word."""
        neutral: dict[str, Any] = {
            "echo": False,
            "suffix": None,
            "best_of": 1,
            "logprobs": None,
            "n": 1,
            "user": "",
            "logit_bias": {},
        }
        self.assertEqual(read(**neutral).notices, ())
