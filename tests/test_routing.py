"""Which upstream model answers for a name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import GatewayError
from agd.gemini.models import bundled_models
from agd.routing import Pattern, Router, check_mapping, knowledge

KNOWN = frozenset({"gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro", "gemini-3-flash-preview"})
PRO, FLASH, LITE = "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite"


def resolve(
    name: str,
    custom: Mapping[str, str] | None = None,
    default_model: str = "",
    known: Collection[str] = KNOWN,
) -> str:
    """Resolve a name under the rules of one configuration."""
    return Router.build(custom or {}, default_model).resolve(name, known)


class PatternTests(SynchronousTestCase):
    """Names with stars."""

    def test_matches(self) -> None:
        """A star stands for any characters, also none; the rest is literal and the whole name counts."""
        for text, name in (
            ("gpt-5*", "gpt-5"),
            ("gpt-5*", "gpt-5-mini"),
            ("*", ""),
            ("*-mini", "o9-mini"),
            ("*a*", "cat"),
            ("a*b*c", "a-b-b-c"),
            ("a**c", "abc"),
            ("a*a", "aa"),
            ("a.c*", "a.c"),
            ("*\n*", "line\nline"),
        ):
            self.assertTrue(Pattern(text, "t").matches(name), (text, name))

    def test_refuses(self) -> None:
        """What is not spelled as the pattern says does not fit, nor does a literal that would have to be used twice."""
        for text, name in (
            ("gpt-5*", "gpt-4"),
            ("gpt-5*", "xgpt-5"),
            ("*-mini", "o9-mini-1"),
            ("a*a", "a"),
            ("ab*ba", "aba"),
            ("*ab*b", "ab"),
            ("a.c*", "abc"),
            ("GPT*", "gpt-4"),
        ):
            self.assertFalse(Pattern(text, "t").matches(name), (text, name))

    @given(st.text("ab*", max_size=8).filter(lambda text: "*" in text), st.text("ab", max_size=10))
    def test_as_regex(self, text: str, name: str) -> None:
        """It agrees with the regular expression that means the same."""
        regex = ".*".join(map(re.escape, text.split("*")))
        self.assertEqual(Pattern(text, "t").matches(name), re.fullmatch(regex, name) is not None)

    def test_many_stars(self) -> None:
        """Many stars and a long name that fits nearly are settled at once; by backtracking this would never end."""
        self.assertFalse(Pattern("*a" * 50 + "*b", "t").matches("a" * 100_000))

    def test_literals(self) -> None:
        """Stars are not literal characters."""
        self.assertEqual([Pattern(text, "t").literals for text in ("*", "a*b*", "**")], [0, 2, 0])


class OrderTests(SynchronousTestCase):
    """Exact, wildcard, built-in exact, built-in rows, Gemini's own, default, 404."""

    def test_exact_first(self) -> None:
        """An exact rule beats every wildcard, also a longer one and one that stands before it."""
        rules = {"gpt-4o*": LITE, "*": LITE, "gpt-4o": PRO}
        self.assertEqual(resolve("gpt-4o", rules), PRO)

    def test_most_literal(self) -> None:
        """Among wildcards the most literal characters win, wherever the star stands."""
        rules = {"*": FLASH, "gpt-*": LITE, "*-turbo-x": PRO}
        self.assertEqual(resolve("gpt-turbo-x", rules), PRO)
        self.assertEqual(resolve("gpt-x", rules), LITE)
        self.assertEqual(resolve("x", rules), FLASH)

    def test_ties(self) -> None:
        """Among equals the first in the file wins; stars do not count."""
        self.assertEqual(resolve("ab", {"a*": PRO, "*b": LITE}), PRO)
        self.assertEqual(resolve("ab", {"*b": LITE, "a*": PRO}), LITE)
        self.assertEqual(resolve("ab", {"**b": LITE, "a*": PRO}), LITE)

    def test_custom_before_builtin(self) -> None:
        """Any rule of the user beats the built-in table and Gemini's own names."""
        for name in ("gpt-4o", "gpt-4o-2024-08-06", FLASH, "models/" + FLASH):
            self.assertEqual(resolve(name, {"*": PRO}), PRO, name)

    def test_builtin_exact(self) -> None:
        """A built-in exact name beats the built-in rows."""
        self.assertEqual(resolve("o3-mini"), FLASH)
        self.assertEqual(resolve("gpt-5-nano"), LITE)

    def test_builtin_rows(self) -> None:
        """Names of each of OpenAI's families that no exact row has are mapped."""
        for name in ("gpt-9", "chatgpt-4o-latest", "o1-preview", "o2", "o3-pro", "o4-mini-high", "codex-mini-latest"):
            self.assertIn(resolve(name), KNOWN, name)
        self.assertEqual(resolve("gpt-4-0613"), FLASH)

    def test_passed_through(self) -> None:
        """Gemini's own names pass as they are, also those that no list has yet."""
        for name in (PRO, "gemini-9-ultra-preview-01-01", "gemma-3-27b-it", "learnlm-2.0-flash-experimental"):
            self.assertEqual(resolve(name), name)

    def test_known(self) -> None:
        """What an upstream lists is Gemini's own, whatever its name."""
        self.assertEqual(resolve("nano-banana", known={"nano-banana"}), "nano-banana")
        self.assertEqual(resolve("google/nano-banana", known={"nano-banana"}), "nano-banana")
        self.assertEqual(resolve("google/nano-banana", known={"google/nano-banana"}), "google/nano-banana")

    def test_default(self) -> None:
        """The default model answers for what nothing maps, and for nothing else."""
        self.assertEqual(resolve("claude-x", default_model=LITE), LITE)
        self.assertEqual(resolve("gpt-4o", default_model=LITE), FLASH)
        self.assertEqual(resolve(PRO, default_model=LITE), PRO)

    def test_default_by_rules(self) -> None:
        """The default model is a name like a rule's target: rules and the built-in table hold for it."""
        self.assertEqual(resolve("claude-x", default_model="o1"), PRO)
        self.assertEqual(resolve("claude-x", {"cheap": LITE}, "cheap"), LITE)

    def test_not_found(self) -> None:
        """What is left is 404 model_not_found at model, and names what was asked for."""
        for name in ("claude-x", "", "models/", "google/gpt-4o", "gpt", "GPT-4o"):
            with self.assertRaises(GatewayError) as caught:
                resolve(name)
            error = caught.exception
            self.assertEqual((error.status, error.code, error.param), (404, "model_not_found", "model"))
            self.assertEqual(error.type, "invalid_request_error")
            self.assertIn(f"'{name}'", error.message)

    def test_long_name(self) -> None:
        """A long name is not given back whole."""
        with self.assertRaises(GatewayError) as caught:
            resolve("x" * 100_000)
        self.assertLess(len(caught.exception.message), 500)


class PrefixTests(SynchronousTestCase):
    """Names as other clients write them (PITFALLS K08)."""

    def test_stripped(self) -> None:
        """Every way of writing a name of Gemini's own reaches the same model."""
        for prefix in ("models/", "google/", "publishers/google/models/"):
            self.assertEqual(resolve(prefix + PRO), PRO)

    def test_as_it_is(self) -> None:
        """The prefix models/ marks any name as Gemini's own, also one that no list has."""
        self.assertEqual(resolve("models/nano-banana"), "nano-banana")
        self.assertEqual(resolve("models/gpt-4o"), "gpt-4o")

    def test_rules(self) -> None:
        """The user's rules find a name behind its prefix, in the same order as without."""
        rules = {"*": FLASH, "gemini-3-x": LITE, "google/gemini-3-y": PRO, "gemini-3-y": LITE}
        self.assertEqual(resolve("models/gemini-3-x", rules), LITE)
        self.assertEqual(resolve("google/gemini-3-y", rules), PRO)
        self.assertEqual(resolve("models/gemini-3-y", rules), LITE)

    def test_alias(self) -> None:
        """Aliases hold behind a prefix as well."""
        self.assertEqual(resolve("models/gemini-3-flash"), "gemini-3-flash-preview")


class AliasTests(SynchronousTestCase):
    """Names that the upstreams list under another name."""

    def test_lacking(self) -> None:
        """A mapped or passed-through name that the lists lack is looked up."""
        self.assertEqual(resolve("gemini-3-flash"), "gemini-3-flash-preview")
        self.assertEqual(resolve("mine", {"mine": "gemini-3-flash"}), "gemini-3-flash-preview")
        self.assertEqual(resolve("gpt-5"), "gemini-3-flash-preview")
        self.assertEqual(resolve("claude-x", default_model="gemini-3-flash"), "gemini-3-flash-preview")

    def test_listed(self) -> None:
        """A name that some list has is sent as it is."""
        known = KNOWN | {"gemini-3-flash"}
        self.assertEqual(resolve("gemini-3-flash", known=known), "gemini-3-flash")
        self.assertEqual(resolve("gpt-5", known=known), "gemini-3-flash")


class ChainTests(SynchronousTestCase):
    """Rules that build on one another."""

    def test_chain(self) -> None:
        """A target that another rule maps is followed to the end."""
        rules = {"fast": "team-fast", "team-*": "gpt-house", "gpt-house": LITE}
        self.assertEqual(resolve("fast", rules), LITE)
        self.assertEqual(check_mapping(rules, ""), ())

    def test_to_builtin(self) -> None:
        """A chain may end at a built-in name."""
        self.assertEqual(resolve("fast", {"fast": "o1"}), PRO)
        self.assertEqual(resolve("gpt-9", {"gpt-*": "gpt-4o"}), FLASH)

    def test_catch_all(self) -> None:
        """A wildcard does not undo the rules beside it: a target of Gemini's own is meant as it stands."""
        rules = {"gpt-4o": PRO, "o1": "models/nano-banana", "*": FLASH, "gemini-*": LITE}
        self.assertEqual(check_mapping(rules, PRO), ())
        self.assertEqual(resolve("gpt-4o", rules), PRO)
        self.assertEqual(resolve("o1", rules), "nano-banana")
        self.assertEqual(resolve("gemini-2.0", rules), LITE)
        self.assertEqual(resolve("x", rules), FLASH)

    def test_default_beside_wildcard(self) -> None:
        """Nor does it undo the default model."""
        self.assertEqual(resolve("claude-x", {"gemini-*": LITE}, PRO), PRO)

    def test_exact_goes_on(self) -> None:
        """An exact rule for a name of Gemini's own leads on from it."""
        self.assertEqual(resolve("gpt-4o", {"gpt-4o": PRO, PRO: FLASH}), FLASH)

    def test_listed_target(self) -> None:
        """A target that an upstream lists is its own name, whatever that looks like."""
        rules = {"mine": "veo-9", "*": FLASH}
        self.assertEqual(resolve("mine", rules, known={"veo-9", FLASH}), "veo-9")

    def test_itself(self) -> None:
        """A rule that names itself ends there."""
        self.assertEqual(resolve("gpt-4o", {"gpt-4o": "gpt-4o"}), FLASH)
        self.assertEqual(check_mapping({PRO: PRO, "gemini-*": PRO, "gpt-5*": "gpt-5-mini"}, ""), ())
        (problem,) = check_mapping({"gpt-4o": "gpt-4o"}, "")
        self.assertEqual(problem.found, "a loop: gpt-4o -> gpt-4o")


class CheckTests(SynchronousTestCase):
    """What is refused when the configuration is read."""

    def paths(self, rules: Mapping[str, str], default_model: str = "") -> list[str]:
        """Give the key paths of all problems."""
        return [problem.path for problem in check_mapping(rules, default_model)]

    def test_sound(self) -> None:
        """No rules, and rules to Gemini models, built-in names and marked names, are sound."""
        self.assertEqual(check_mapping({}, ""), ())
        rules = {"a": PRO, "b": "gpt-4o", "c*": "models/anything", "d": "google/gemini-9", "e": "o3-new"}
        self.assertEqual(check_mapping(rules, "gemini-3-flash"), ())

    def test_loop(self) -> None:
        """Exact rules in a circle are refused, each at its key, with the whole circle."""
        rules = {"a": "b", "b": "c", "c": "a"}
        self.assertEqual(self.paths(rules), [f'proxy.custom_mapping."{name}"' for name in "abc"])
        self.assertIn("b -> c -> a -> b", check_mapping(rules, "")[0].found)

    def test_loop_of_native_names(self) -> None:
        """So are circles through names of Gemini's own."""
        self.assertEqual(len(self.paths({PRO: FLASH, FLASH: PRO})), 2)

    def test_loop_of_wildcards(self) -> None:
        """And circles through wildcards, with every rule that leads into them."""
        rules = {"in": "gpt-x", "gpt-*": "chatgpt-x", "chatgpt-*": "gpt-y", "out": PRO}
        self.assertEqual(self.paths(rules), [f'proxy.custom_mapping."{name}"' for name in ("in", "gpt-*", "chatgpt-*")])

    def test_dead_target(self) -> None:
        """A target that names no model is refused and shown, at the end of a chain too."""
        problems = check_mapping({"a": "b", "b": "claude-x", "c": "models/"}, "")
        self.assertEqual([problem.path[-3:] for problem in problems], ['"a"', '"b"', '"c"'])
        for problem in problems[:2]:
            self.assertIn('"claude-x"', problem.found)
            self.assertIn("models/NAME", problem.allowed)

    def test_pattern_as_target(self) -> None:
        """A star in a target is no model's name: nothing is put in its place."""
        self.assertEqual(self.paths({"gpt-*": "gemini-*", "a": "models/*"}, "gemini-*"), [
            'proxy.custom_mapping."gpt-*"', 'proxy.custom_mapping."a"', "proxy.default_model",
        ])  # fmt: skip

    def test_default(self) -> None:
        """A default model that names nothing, or leads in a circle, is refused at its key."""
        self.assertEqual(self.paths({}, "claude-x"), ["proxy.default_model"])
        self.assertEqual(self.paths({"a": "b", "b": "a"}, "a")[-1], "proxy.default_model")

    NAMES = st.sampled_from(
        ["a", "b", "ab", "gpt-4o", "gpt-x", "gemini-x", FLASH, "models/a", "models/gemini-x", "google/gemini-x"]
    )
    PATTERNS = st.sampled_from(["*", "a*", "*b", "gpt-*", "gemini-*", "models/*", "google/*", "g*x"])

    @settings(max_examples=300)
    @given(
        st.dictionaries(NAMES | PATTERNS, NAMES, max_size=6),
        st.just("") | NAMES,
        NAMES,
        st.frozensets(st.sampled_from(["a", "gpt-x", FLASH, "gemini-x", "models/a"])),
    )
    def test_accepted_rules_resolve(
        self, rules: dict[str, str], default_model: str, name: str, known: frozenset[str]
    ) -> None:
        """Under rules that were accepted every name that a rule maps leads to a model, whatever the upstreams list."""
        assume(not check_mapping(rules, default_model))
        router = Router.build(rules, default_model)
        if default_model or router.rule(name) is not None:
            self.assertTrue(router.resolve(name, known))
        self.assertLessEqual(set(router.names(known)), {*rules, *knowledge().builtin.exact, *known})


class NamesTests(SynchronousTestCase):
    """What /v1/models lists."""

    def test_content(self) -> None:
        """The user's exact names first, then the built-in ones, then the upstreams' own; each once, no patterns."""
        names = Router.build({"z-mine": PRO, "my-*": PRO, "gpt-4o": LITE}).names(KNOWN)
        self.assertEqual(names[:2], ["z-mine", "gpt-4o"])
        self.assertEqual(names[-len(KNOWN) :], sorted(KNOWN))
        self.assertEqual(set(names), {"z-mine", *knowledge().builtin.exact, *KNOWN})
        self.assertEqual(len(names), len(set(names)))

    def test_works(self) -> None:
        """Every name that is listed leads to a model that an upstream lists."""
        router = Router.build({"mine": "gemini-3-flash", "gemini-2.5-*": PRO}, LITE)
        names = router.names(KNOWN)
        self.assertIn("mine", names)
        self.assertLessEqual({router.resolve(name, KNOWN) for name in names}, KNOWN)

    def test_only_what_works(self) -> None:
        """Names that lead to a model which nobody lists are left out, whoever made the rule."""
        names = Router.build({"dead": "gemini-1.0-gone", PRO: "gemini-1.0-gone", "live": FLASH}).names({PRO, FLASH})
        self.assertNotIn("dead", names)
        self.assertNotIn(PRO, names)
        self.assertNotIn("o1-mini", names)
        self.assertIn("live", names)
        self.assertNotIn("gpt-5", names)


class DataTests(SynchronousTestCase):
    """The bundled data agrees with itself."""

    def test_builtin_targets(self) -> None:
        """Every built-in row leads to a model in the bundled list."""
        table = knowledge().builtin
        for name, target in [*table.exact.items(), *((row.text, row.target) for row in table.patterns)]:
            self.assertIn(resolve("models/" + target, known=bundled_models()), bundled_models(), name)

    def test_builtin_rows(self) -> None:
        """The rows that are promised are there."""
        rows = {row.text for row in knowledge().builtin.patterns}
        self.assertLessEqual({"gpt-*", "chatgpt-*", "o1*", "o2*", "o3*", "o4*", "codex*"}, rows)

    def test_bundled_names(self) -> None:
        """Every bundled model can be asked for by its own name."""
        for name in bundled_models():
            self.assertEqual(resolve(name, known=bundled_models()), name)

    def test_aliases_end(self) -> None:
        """No alias leads to another one."""
        aliases = knowledge().aliases
        self.assertEqual([name for name, target in aliases.items() if target in aliases], [])
