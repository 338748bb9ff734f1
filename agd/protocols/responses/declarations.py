"""Reading declarations of tools: ``tools`` of a request, and those that items of its input bring along.

What a model can call becomes a function in the toolbox; what runs at the provider is remembered by its place.
Everything else is refused by its place, or told of and left out where the options say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from attrs import define, evolve, field

from agd.conversation import Notice, Tool
from agd.errors import BadRequest
from agd.protocols.contents import overlook
from agd.protocols.fields import Fields, invalid, shown, unsupported
from agd.protocols.responses.builtin import APPLY_PATCH, LOCAL_SHELL, SHELL
from agd.protocols.responses.hosted import HOSTED, HostedKind, read_hosted
from agd.protocols.responses.toolbox import Binding, Kind, Toolbox, assemble
from agd.protocols.tools import read_function

Notices = list[Notice]
Declared = tuple[Binding, Tool]
Identity = tuple[str | None, str, bool]
"""Namespace, name, and whether the client chose it: a tool of its own and one of OpenAI's may have the same name."""

_INPUT = {"type": "string", "description": "The whole input, as raw text."}
_FREEFORM: Mapping[str, Any] = {"type": "object", "properties": {"input": _INPUT}, "required": ["input"]}
_DISCOVERY = "Searches for tools that are not declared yet; those that are found can be called afterwards."


@define
class Declarations:
    """Reads one list of declarations after another; a later list may declare a tool anew."""

    notices: Notices
    unknown: Literal["reject", "notice"] = "reject"
    hosted: dict[HostedKind, str] = field(factory=dict)
    """Tools that run at the provider, and the paths of their declarations."""
    _declared: dict[Identity, Declared] = field(factory=dict)

    def read(self, place: Fields, *, loaded: bool = False) -> None:
        """Read the array ``tools`` of an object; ``loaded``: what was deferred in there has been loaded by now.

        Raises ``BadRequest`` for what cannot be used, and for two different tools of one name in one list.
        """
        found: dict[Identity, Declared] = {}
        for entry in place.objects("tools"):
            for binding, tool, source in self._entry(entry):
                overlook(source, self.notices, _quiet(source, loaded=loaded))
                known = found.setdefault((binding.namespace, binding.name, binding.is_own), (binding, tool))
                if known != (binding, tool):
                    raise invalid(source.at("name"), f"another tool is already named {shown(binding.name)}.")
        self._take(found, place.at("tools"))

    def toolbox(self) -> Toolbox:
        """Return all that was read."""
        return assemble(list(self._declared.values()))

    def _take(self, found: Mapping[Identity, Declared], path: str) -> None:
        for identity, declared in found.items():
            if self._declared.get(identity, declared) != declared:
                self.notices.append(Notice(path, f"{shown(declared[0].name)} is declared anew, and so it holds"))
            self._declared[identity] = declared

    def _entry(self, entry: Fields) -> Iterator[tuple[Binding, Tool, Fields]]:
        """Yield the functions that an entry declares, each with the object that describes it."""
        kind = entry.required_text("type")
        if (problem := _problem(entry, kind)) is not None:
            self._leave_out(problem)
        elif kind in HOSTED:
            read_hosted(entry, self.notices)
            self.hosted.setdefault(HOSTED[kind], entry.path)
        elif kind == "namespace":
            yield from self._namespace(entry)
        else:
            if kind == "shell" and (environment := entry.object("environment")) is not None:
                overlook(environment, self.notices, ("type",))
            yield self._tool(entry, kind)

    def _namespace(self, entry: Fields) -> Iterator[tuple[Binding, Tool, Fields]]:
        """Yield the tools of a namespace. What the model is told of the namespace stands before each of them."""
        namespace, about = entry.required_text("name"), entry.text("description")
        for inner in entry.objects("tools"):
            kind = inner.required_text("type")
            if kind not in {"function", "custom"}:
                self._leave_out(unsupported(inner.at("type"), f"a namespace cannot hold {shown(kind)}."))
                continue
            binding, tool, source = self._tool(inner, kind)
            described = "\n\n".join(text for text in (about, tool.description) if text)
            yield evolve(binding, namespace=namespace), evolve(tool, description=described or None), source
        overlook(entry, self.notices)

    def _tool(self, entry: Fields, kind: str) -> tuple[Binding, Tool, Fields]:
        name, read = _CALLED[kind]
        source = self._within(entry, kind)
        tool = read(source)
        return Binding(name, tool.name), tool, source

    def _within(self, entry: Fields, kind: str) -> Fields:
        """Return the object that describes a tool: the entry, or the one that chat nests in it (I37)."""
        nested = entry.object(kind) if kind in {"function", "custom"} else None
        if nested is None:
            return entry
        self.notices.append(Notice(nested.path, "read, though a tool's fields belong beside its type here"))
        return nested

    def _leave_out(self, problem: BadRequest) -> None:
        if self.unknown == "reject":
            raise problem
        self.notices.append(Notice((problem.param or "tools")[:80], "the tool is left out: it cannot be used here"))


def declared_in(place: Fields) -> Iterator[Binding]:
    """Yield what the declarations of an object bind, without a word about the rest; they were read before."""
    for entry in place.objects("tools"):
        if entry.get("type") == "namespace":
            for inner in entry.objects("tools"):
                yield from _named(inner, entry.text("name"))
        else:
            yield from _named(entry, None)


def _named(entry: Fields, namespace: str | None) -> Iterator[Binding]:
    kind = entry.get("type")
    name = (entry.object(str(kind)) or entry).text("name")
    if kind in {"function", "custom"} and name:
        yield Binding(_CALLED[kind][0], name, namespace)


def _problem(entry: Fields, kind: str) -> BadRequest | None:
    """Return why a tool cannot be used, if so."""
    if kind not in _CALLED and kind not in HOSTED and kind != "namespace":
        return unsupported(entry.at("type"), f"tools of type {shown(kind)} cannot be used here.")
    if kind == "tool_search" and entry.one_of("execution", ("server", "client")) != "client":
        return unsupported(entry.at("execution"), "only the client can search for tools; send 'client'.")
    environment = entry.object("environment") if kind == "shell" else None
    if environment is not None and environment.required_text("type") != "local":
        return unsupported(environment.at("type"), "there are no containers here; only 'local' can be used.")
    return None


def _quiet(source: Fields, *, loaded: bool) -> tuple[str, ...]:
    """Return the keys of a declaration that ask for nothing."""
    quiet = ("execution", "type", *(("defer_loading",) if loaded else ()))
    return (*quiet, "allowed_callers") if source.values.get("allowed_callers") == ["direct"] else quiet


def _custom(source: Fields) -> Tool:
    """Make a function with one text of a tool that takes raw text; its grammar joins the description (I17)."""
    name, description = source.required_text("name"), source.text("description")
    described = "\n\n".join(text for text in (description, _grammar(source)) if text)
    return Tool(name, described or None, _FREEFORM, path=source.path)


def _grammar(source: Fields) -> str | None:
    form = source.object("format")
    if form is None or form.one_of("type", ("text", "grammar")) != "grammar":
        return None
    place = form.object("grammar") or form
    syntax = place.one_of("syntax", ("lark", "regex")) or "lark"
    definition = place.required_text("definition")
    word = "regular expression" if syntax == "regex" else "Lark grammar"
    return f"The input is raw text and must match this {word}:\n\n{definition}"


def _discovery(source: Fields) -> Tool:
    return Tool("tool_search", source.text("description") or _DISCOVERY, source.mapping("parameters"), path=source.path)


_CALLED: Mapping[str, tuple[Kind, Callable[[Fields], Tool]]] = {
    "function": ("function", read_function),
    "custom": ("custom", _custom),
    "local_shell": ("local_shell", lambda _: LOCAL_SHELL),
    "shell": ("shell", lambda _: SHELL),
    "apply_patch": ("apply_patch", lambda _: APPLY_PATCH),
    "tool_search": ("tool_search", _discovery),
}
"""Types of tools that the model calls and the client runs: what they are for the toolbox, and their functions."""
