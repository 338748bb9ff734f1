"""The parity table: complete by OpenAI's own types, and true."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from agd.cli.parity import ENDPOINTS, Row, State, read_rows, read_unproven
from agd.cli.parity import Endpoint as Name
from agd.conversation import Notice, Prompt
from agd.errors import BadRequest
from agd.gemini.requests import write_request
from agd.protocols.endpoint import Endpoint
from agd.protocols.endpoints import CHAT, COMPLETIONS
from agd.protocols.responses import request as responses
from agd.protocols.responses.past import Past
from tests.protocols.parameter_paths import document_paths, sdk_paths
from tests.protocols.parity_requests import ancestors, bare, covers, values_at, without

_ROUTES: Mapping[Name, Endpoint] = {"chat": CHAT, "completions": COMPLETIONS}
_MODEL = "gemini-2.5-flash"
_PAST = Past(
    references={"msg_1": {"type": "message", "id": "msg_1", "role": "assistant", "content": "y"}},
    open={
        "state": [{"kind": "thought", "after": None, "text": "Hm.", "signature": "c2ln"}],
        "summary": {"summary": "So far."},
    }.get,
)
"""What the examples of Responses refer to."""

_SAYS_NOTHING = {"input.type", "input[user|assistant|system|developer].type", "client_metadata"}
"""Parameters of which the table says that a request means the same without them."""


def asked(row: Row) -> dict[str, Any]:
    """Return a request that uses a row's parameter."""
    return {"model": _MODEL, **row.example}


def answered(endpoint: Name, body: dict[str, Any]) -> tuple[Prompt, dict[str, Any], tuple[Notice, ...]]:
    """Return a request's prompt without its notices, what is sent upstream, and all notices."""
    prompt = responses.read(body, past=_PAST) if endpoint == "responses" else _ROUTES[endpoint].read(body)
    outgoing = write_request(prompt, body["model"])
    return evolve(prompt, notices=()), json.loads(outgoing.body), (*prompt.notices, *outgoing.notices)


def is_about(param: str | None, row: Row) -> bool:
    """Tell whether an error names a row's parameter, what it belongs to, or the type of what it belongs to."""
    named, meant = bare(param or ""), bare(row.parameter)
    return bool(named) and (
        named.startswith(meant) or meant.startswith(named) or named == f"{meant.rpartition('.')[0]}.type"
    )


class CompletenessTests(SynchronousTestCase):
    """Every parameter is in the table, and nothing that is none."""

    def test_sdk(self) -> None:
        """Every parameter of the types of openai-python has a row, or lies beneath one that tells of it."""
        for endpoint in ENDPOINTS:
            self.assertEqual(self.missing(endpoint, sdk_paths(endpoint)), [])

    def test_documents(self) -> None:
        """Every parameter of the published documents has a row, or lies beneath one that tells of it."""
        for endpoint in ENDPOINTS:
            self.assertEqual(self.missing(endpoint, document_paths(endpoint)), [])

    def test_nothing_invented(self) -> None:
        """Every row is a parameter of OpenAI's, or says that it is not."""
        for endpoint in ENDPOINTS:
            paths = sdk_paths(endpoint) | document_paths(endpoint)
            for row in read_rows():
                if row.endpoint == endpoint:
                    known = any(covers(row.parameter, path) for path in paths)
                    self.assertEqual(known, not row.extension, (endpoint, row.parameter))

    def test_once(self) -> None:
        """No parameter has two rows on an endpoint."""
        for endpoint in ENDPOINTS:
            for path in sdk_paths(endpoint):
                rows = [row for row in read_rows() if row.endpoint == endpoint and covers(row.parameter, path)]
                self.assertLessEqual(len(rows), 1, (endpoint, path))

    def missing(self, endpoint: Name, paths: set[str]) -> list[str]:
        """Return the paths that the table does not tell of."""
        rows = [row for row in read_rows() if row.endpoint == endpoint]
        return sorted(path for path in paths if not any(_is_told(each, rows) for each in _alike(path, rows)))


def _is_told(path: str, rows: Sequence[Row]) -> bool:
    """Tell whether a path has a row, or lies beneath one that tells of everything there."""
    ends = [row.parameter for row in rows if row.whole]
    return any(covers(row.parameter, path) for row in rows) or any(
        covers(end, above) for above in ancestors(path) for end in ends
    )


def _alike(path: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield a path and those that the table says are like it: ``tools`` stand in several places."""
    yield path
    for above in ancestors(path):
        for row in rows:
            if row.like and covers(row.parameter, above):
                yield from _alike(row.like + path[len(above) :], rows)


class ProofTests(SynchronousTestCase):
    """What the table says about its proofs."""

    def test_proofs_exist(self) -> None:
        """Every entry that a row names has a test that is named by it."""
        tested = _tested_entries()
        for row in read_rows():
            if row.proof:
                self.assertIn(row.proof, tested, (row.endpoint, row.parameter))

    def test_words(self) -> None:
        """Every row says where, how or why."""
        for row in read_rows():
            self.assertTrue(row.words, row.parameter)

    def test_unproven(self) -> None:
        """Every entry that awaits a live account has its entry's form and says what agd does until then."""
        for each in read_unproven():
            self.assertRegex(each.entry, r"^[A-J]\d\d$")
            self.assertIn("agd", each.words)


def _tested_entries() -> set[str]:
    """Return the entries of PITFALLS that tests are named by."""
    names = (
        node.name
        for path in Path(__file__).parents[1].rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )
    return {entry for name in names for entry in re.findall(r"(?<=_)[A-J]\d\d(?=_|$)", name)}


class BehaviourTests(SynchronousTestCase):
    """Every row carried out."""

    def test_mapped(self) -> None:
        """A parameter that is mapped changes what is sent in the field that is named; without a field, the prompt."""
        self.each("mapped", self.check_mapped)

    def test_emulated(self) -> None:
        """A parameter that is emulated changes the prompt, unless saying it is the same as saying nothing."""
        self.each("emulated", self.check_emulated)

    def test_ignored(self) -> None:
        """A parameter that is ignored is told of by its name, and no more when it is not there."""
        self.each("ignored", self.check_ignored)

    def test_refused(self) -> None:
        """A parameter that is refused is a 400 that names it, what it belongs to, or its type."""
        self.each("refused", self.check_refused)

    def each(self, state: State, check: Callable[[Row], None]) -> None:
        """Check every row of a state, and name all that fail; a row that is awaited fails until it is there."""
        wrong = []
        for row in read_rows():
            if row.state == state:
                told = self.failure(check, row)
                if (told is not None) != row.awaited:
                    wrong.append(f"{row.endpoint} {row.parameter}: {told or 'is there and need not be awaited'}")
        self.assertEqual(wrong, [], "\n".join(wrong))

    def failure(self, check: Callable[[Row], None], row: Row) -> str | None:
        """Return how a row fails its check, None when it does not."""
        try:
            check(row)
        except (AssertionError, BadRequest) as error:
            return str(error)
        return None

    def check_mapped(self, row: Row) -> None:
        """Compare with and without; what cannot be left out has to be there."""
        prompt, sent, _ = answered(row.endpoint, asked(row))
        try:
            prompt_without, sent_without, _ = answered(row.endpoint, without(asked(row), row.parameter))
        except BadRequest:
            prompt_without, sent_without = None, {}
        if row.is_field:
            self.assertNotEqual(values_at(sent, row.words), values_at(sent_without, row.words))
        else:
            self.assertNotEqual(prompt, prompt_without)

    def check_emulated(self, row: Row) -> None:
        """Compare with and without."""
        prompt, _, _ = answered(row.endpoint, asked(row))
        if row.parameter.endswith("[text]") or row.parameter in _SAYS_NOTHING:
            return
        try:
            self.assertNotEqual(prompt, answered(row.endpoint, without(asked(row), row.parameter))[0])
        except BadRequest as error:
            self.assertTrue(is_about(error.param, row), error.param)

    def check_ignored(self, row: Row) -> None:
        """Look for the notice, with and without."""
        for body, told in ((asked(row), True), (without(asked(row), row.parameter), False)):
            _, _, notices = answered(row.endpoint, body)
            params = [notice.param for notice in notices]
            self.assertEqual(any(bare(param).startswith(bare(row.parameter)) for param in params), told, params)

    def check_refused(self, row: Row) -> None:
        """Look at the error."""
        with self.assertRaises(BadRequest) as caught:
            answered(row.endpoint, asked(row))
        self.assertTrue(is_about(caught.exception.param, row), caught.exception.param)
