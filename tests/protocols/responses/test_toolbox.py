"""Tests of agd.protocols.responses.toolbox: flat names and the way back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Tool
from agd.protocols.responses.toolbox import Binding, Kind, Toolbox, assemble

_BUILTIN: list[Kind] = ["local_shell", "shell", "apply_patch", "tool_search"]
_names = st.sampled_from(["a", "b", "a__b", "b__a", "_", "__", "a__", "__a", "shell", "tool_search", "é"])
_given = st.tuples(st.none() | _names, _names).map(lambda pair: Binding("function", pair[1], pair[0]))
_bindings = st.lists(_given | st.sampled_from(_BUILTIN).map(lambda kind: Binding(kind, kind)), unique=True, max_size=12)


def boxed(*bindings: Binding) -> Toolbox:
    """Return a toolbox of plain tools."""
    return assemble([(binding, Tool(binding.name)) for binding in bindings])


class ToolboxTests(SynchronousTestCase):
    """Names."""

    @given(_bindings)
    def test_I22_unique_and_reversible(self, bindings: list[Binding]) -> None:
        """Every tool has a name of its own, which leads back to it; what the client named itself is so named."""
        toolbox = boxed(*bindings)
        names = [tool.name for tool in toolbox.tools]
        self.assertEqual(len(set(names)), len(bindings))
        self.assertEqual([toolbox.binding(name) for name in names], bindings)
        self.assertEqual([toolbox.flat(each.name, each.namespace, each.kind) for each in bindings], names)
        for name, binding in zip(names, bindings, strict=True):
            if binding.is_own:
                self.assertEqual(name, binding.name)

    @given(_bindings, _given)
    def test_history(self, bindings: list[Binding], called: Binding) -> None:
        """A tool that is only called in the history never has the name of another tool."""
        toolbox = boxed(*bindings)
        found = toolbox.bindings.get(toolbox.flat(called.name, called.namespace, called.kind))
        if found is not None:
            self.assertEqual((found.name, found.namespace), (called.name, called.namespace))

    def test_plain_names(self) -> None:
        """A namespace stands before the name where nothing is in the way."""
        toolbox = boxed(Binding("function", "f", "n"), Binding("shell", "shell"))
        self.assertEqual([tool.name for tool in toolbox.tools], ["n__f", "shell"])

    def test_another_kind_by_now(self) -> None:
        """A call of the history is of the tool of its name, though that is declared as another kind by now."""
        toolbox = boxed(Binding("custom", "apply_patch"))
        self.assertEqual(toolbox.flat("apply_patch", None, "function"), "apply_patch")

    def test_undeclared(self) -> None:
        """A name that nobody declared is a function of that name."""
        self.assertEqual(Toolbox().binding("f"), Binding("function", "f"))
        self.assertEqual(Toolbox().flat("f", "n", "function"), "n__f")
