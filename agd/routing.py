"""Which upstream model answers for the name that a client wrote.

Order: exact rule of the user, the user's wildcard rules (``*`` anywhere; most literal characters wins, ties by order
in the file), the built-in table of OpenAI names, the provider's own names, the default model. A rule's target is
itself a name that other rules may map, so rules can build on one another; but a target that is the provider's own is
meant as it stands, and only an exact rule leads on from it: a rule for ``*`` does not undo the rules beside it. A chain
that comes back to itself is refused when the configuration is read. Pure: what the upstreams list is an argument.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files

from attrs import field, frozen

from agd.errors import ConfigurationProblem, GatewayError


@frozen
class Pattern:
    """A name with ``*`` for any characters, also none; matched in one pass, however many stars there are."""

    text: str
    target: str
    _literals: tuple[str, ...] = field(init=False, repr=False, eq=False)

    @_literals.default
    def _split(self) -> tuple[str, ...]:
        return tuple(self.text.split("*"))

    def matches(self, name: str) -> bool:
        """Tell whether the whole name fits. Case counts."""
        first, *between, last = self._literals
        start, end = len(first), len(name) - len(last)
        if start > end or not (name.startswith(first) and name.endswith(last)):
            return False
        for literal in between:
            found = name.find(literal, start, end)
            if found < 0:
                return False
            start = found + len(literal)
        return True

    @property
    def literals(self) -> int:
        """How many characters the pattern spells out."""
        return sum(map(len, self._literals))


@frozen
class Table:
    """Exact names and patterns, and what each stands for."""

    exact: Mapping[str, str]
    patterns: tuple[Pattern, ...]

    @classmethod
    def of(cls, rules: Mapping[str, str]) -> Table:
        """Divide rules into exact ones and patterns, the most literal pattern first (a stable sort keeps ties)."""
        patterns = [Pattern(name, target) for name, target in rules.items() if "*" in name]
        patterns.sort(key=lambda pattern: -pattern.literals)
        return cls({name: target for name, target in rules.items() if "*" not in name}, tuple(patterns))

    def find(self, name: str) -> str | None:
        """Give the target of the rule for a name, None when no rule fits."""
        target = self.exact.get(name)
        return target if target is not None else self.match(name)

    def match(self, name: str) -> str | None:
        """Give the target of the pattern that fits a name best, None when none fits."""
        return next((pattern.target for pattern in self.patterns if pattern.matches(name)), None)

    def rule(self, name: str) -> str | None:
        """Give the rule itself, as it is written, that ``find`` goes by."""
        fitting = (pattern.text for pattern in self.patterns if pattern.matches(name))
        return name if name in self.exact else next(fitting, None)


@frozen
class Knowledge:
    """The data of routing.toml."""

    builtin: Table
    native: Table
    aliases: Mapping[str, str]
    prefixes: tuple[str, ...]


@cache
def knowledge() -> Knowledge:
    """Read the bundled table once."""
    data = tomllib.loads((files("agd") / "routing.toml").read_text("utf-8"))
    native = {pattern: pattern for pattern in data["native"]}
    builtin = Table.of({**data["exact"], **data["patterns"]})
    return Knowledge(builtin, Table.of(native), data["aliases"], tuple(data["prefixes"]))


@frozen
class Step:
    """One rule on the way from a name to a model: the rule in words, and what it leads to."""

    rule: str
    target: str


@frozen
class Router:
    """The rules of one configuration."""

    custom: Table
    default_model: str = ""

    @classmethod
    def build(cls, custom: Mapping[str, str], default_model: str = "") -> Router:
        """Take the user's rules, which ``check_mapping`` has found sound."""
        return cls(Table.of(custom), default_model)

    def resolve(self, name: str, known: Collection[str]) -> str:
        """Give the upstream model for a client's name; ``known`` is what the upstreams list.

        Raises ``GatewayError`` 404 ``model_not_found`` when nothing maps the name and there is no default.
        """
        target = self.lead(self.rule(name) or name, known)
        if target is None and self.default_model:
            target = self.lead(self.default_model, known)
        if target is None:
            raise model_not_found(name)
        if target not in known:
            target = knowledge().aliases.get(target, target)
        return target

    def names(self, known: Collection[str]) -> list[str]:
        """List what can be asked for: the user's exact names, built-in exact names, upstream models; no patterns.

        A name that leads to a model which no upstream lists is left out.
        """
        names = dict.fromkeys([*self.custom.exact, *knowledge().builtin.exact, *sorted(known)])
        return [name for name in names if self.resolve(name, known) in known]

    def rule(self, name: str) -> str | None:
        """Give the target of the user's rule for a client's name; a provider's prefix may stand before the name."""
        names = (name, _bare(name))
        targets = [*map(self.custom.exact.get, names), *map(self.custom.match, names)]
        return next((target for target in targets if target is not None), None)

    def trace(self, name: str, known: Collection[str]) -> tuple[Step, ...]:
        """Tell every rule that ``resolve`` goes by. Raises ``GatewayError`` as it does."""
        found = self.resolve(name, known)
        first = self.rule(name)
        steps = [] if first is None else [Step(self._written(name), first)]
        steps += self._chain(first or name, known)
        if self.lead(first or name, known) is None:
            steps.append(Step("proxy.default_model", self.default_model))
            steps += self._chain(self.default_model, known)
        if not steps or steps[-1].target != found:
            steps.append(Step("the provider's own name" if not steps else "the name it goes by", found))
        return tuple(steps)

    def _chain(self, target: str, known: Collection[str]) -> list[Step]:
        """Tell the rules that ``lead`` follows from a target."""
        steps: list[Step] = []
        seen = {target}
        while (following := self.step(target, known)) not in seen:
            seen.add(following)
            steps.append(Step(self._written(target), following))
            target = following
        builtin = knowledge().builtin
        if (rule := builtin.rule(target)) is not None:
            steps.append(Step(f'built in: "{rule}"', builtin.find(target) or ""))
        return steps

    def _written(self, name: str) -> str:
        """Give the user's rule for a name as the configuration has it."""
        names = (name, _bare(name))
        rule = next((each for each in names if each in self.custom.exact), None)
        rule = rule or next((text for each in names if (text := self.custom.rule(each)) is not None), name)
        return f'proxy.custom_mapping."{rule}"'

    def lead(self, target: str, known: Collection[str]) -> str | None:
        """Follow the user's rules from a target to their end, then the built-in ones; None when that names nothing."""
        seen = set()
        while target not in seen:
            seen.add(target)
            target = self.step(target, known)
        return _native(knowledge().builtin.find(target) or target, known)

    def step(self, target: str, known: Collection[str]) -> str:
        """Give the target of the user's rule for a target, the target itself where it is an end."""
        if _native(target, known) is not None:
            return self.custom.exact.get(target, target)
        return self.rule(target) or target


def check_mapping(custom: Mapping[str, str], default_model: str) -> tuple[ConfigurationProblem, ...]:
    """Find rules that lead back to themselves or to no model at all."""
    router = Router.build(custom)
    problems = [problem for name, target in custom.items() if (problem := _check_rule(router, name, target))]
    if default_model and (problem := _check_target(router, "proxy.default_model", default_model)):
        problems.append(problem)
    return tuple(problems)


def model_not_found(name: str) -> GatewayError:
    """Make the answer for a name that leads nowhere, in OpenAI's words."""
    return GatewayError(
        404,
        f"The model '{name[:200]}' does not exist or no rule maps it. GET /v1/models lists the names that work.",
        code="model_not_found",
        param="model",
    )


def _check_rule(router: Router, name: str, target: str) -> ConfigurationProblem | None:
    path = f'proxy.custom_mapping."{name}"'
    if name == target and _native(target, ()) is None:
        return ConfigurationProblem(path, f"a loop: {name} -> {target}", "a chain of rules that ends")
    return _check_target(router, path, target)


def _check_target(router: Router, path: str, target: str) -> ConfigurationProblem | None:
    chain = [target]
    while (following := router.step(chain[-1], ())) != chain[-1]:
        chain.append(following)
        if following in chain[:-1]:
            return ConfigurationProblem(path, "a loop: " + " -> ".join(chain), "a chain of rules that ends")
    if "*" in chain[-1] or router.lead(chain[-1], ()) is None:
        allowed = "a Gemini model, a built-in OpenAI name, a name another rule maps, or models/NAME as it is"
        return ConfigurationProblem(path, f'"{chain[-1]}", which names no model', allowed)
    return None


def _bare(name: str) -> str:
    """Take a provider's prefix off a name."""
    for prefix in knowledge().prefixes:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _native(name: str, known: Collection[str]) -> str | None:
    """Give the name as it is sent when it is one of the provider's own, or is marked so by the prefix ``models/``."""
    if name in known:
        return name
    bare = _bare(name)
    if bare in known or name.startswith("models/") or knowledge().native.match(bare) is not None:
        return bare or None
    return None
