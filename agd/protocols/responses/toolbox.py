"""The client's tools under names the model can call, and the way back from a call to the tool it means.

A model knows functions only, in one flat list. Responses has more kinds of tools, and namespaces; each becomes a
function of its own name, and a ``Binding`` remembers what a call of that function is for the client (I17, I19, I22).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from hashlib import sha256
from typing import Literal

from attrs import evolve, field, frozen

from agd.conversation import Tool

Kind = Literal["function", "custom", "local_shell", "shell", "apply_patch", "tool_search"]
"""What a call is for the client: each kind has its own item, ``function_call``, ``custom_tool_call`` and so on."""

SEPARATOR = "__"
"""Between a namespace and a name."""


@frozen
class Binding:
    """The tool that a flat name stands for."""

    kind: Kind
    name: str
    namespace: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether the client itself gave the tool exactly this flat name, which therefore stays."""
        return self.namespace is None and self.kind in {"function", "custom"}

    @property
    def plain(self) -> str:
        """The flat name as it is when no other tool has it."""
        return self.name if self.namespace is None else f"{self.namespace}{SEPARATOR}{self.name}"


@frozen
class Toolbox:
    """Every tool of a request: as declared to the model (``tools``), and what each flat name means (``bindings``)."""

    tools: tuple[Tool, ...] = ()
    bindings: Mapping[str, Binding] = field(factory=dict)
    _flats: Mapping[Binding, str] = field(init=False, eq=False, repr=False)

    @_flats.default
    def _turned(self) -> Mapping[Binding, str]:
        return {binding: flat for flat, binding in self.bindings.items()}

    def binding(self, flat: str) -> Binding:
        """Return what a call of ``flat`` is for the client; a name nobody declared is a plain function of that name."""
        return self.bindings.get(flat) or Binding("function", flat)

    def flat(self, name: str, namespace: str | None, kind: Kind) -> str:
        """Return the flat name of a tool, declared or only called in the history.

        A call of the history may name a tool that is declared as another kind by now; it is the same tool.
        """
        binding = Binding(kind, name, namespace)
        declared = self._flats.get(binding)
        if declared is not None:
            return declared
        other = self.bindings.get(binding.plain)
        same = other is not None and (other.name, other.namespace) == (name, namespace)
        return binding.plain if other is None or same else distinct(binding, self.bindings)


def assemble(declared: Sequence[tuple[Binding, Tool]]) -> Toolbox:
    """Put tools that are different from one another under flat names, in their order.

    A name that the client chose itself stays; one that agd has to make (in a namespace, or for a tool that has none)
    gives way to it.
    """
    bindings = {binding.name: binding for binding, _ in declared if binding.is_own}
    for binding, _ in declared:
        if not binding.is_own:
            bindings[distinct(binding, bindings) if binding.plain in bindings else binding.plain] = binding
    names = Toolbox(bindings=bindings)
    tools = [evolve(tool, name=names.flat(each.name, each.namespace, each.kind)) for each, tool in declared]
    return Toolbox(tuple(tools), bindings)


def distinct(binding: Binding, taken: Container[str]) -> str:
    """Return a flat name for a tool whose plain one another tool has: with a hash of what it is, always the same."""
    digest = sha256(f"{binding.kind}\0{binding.namespace or ''}\0{binding.name}".encode("utf-8", "surrogatepass"))
    longer = (f"{binding.plain}_{digest.hexdigest()[:length]}" for length in range(8, 65))
    return next(candidate for candidate in longer if candidate not in taken)
