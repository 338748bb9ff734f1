"""Every parameter of OpenAI's published schema is known by name on its route."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Notice
from agd.errors import BadRequest
from agd.protocols.endpoint import Endpoint
from agd.protocols.endpoints import CHAT, COMPLETIONS, RESPONSES
from tests import shared_data

_ROUTES: dict[str, tuple[Endpoint, dict[str, Any]]] = {
    "CreateChatCompletionRequest": (CHAT, {"messages": [{"role": "user", "content": "x"}]}),
    "CreateCompletionRequest": (COMPLETIONS, {"prompt": "x"}),
    "CreateResponse": (RESPONSES, {"input": "x"}),
}


def _properties(schemas: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    yield from schema.get("properties", ())
    for part in schema.get("allOf", ()):
        yield from _properties(schemas, part)


def _notices(endpoint: Endpoint, body: dict[str, Any]) -> tuple[Notice, ...]:
    """Return what a client is told; a refusal by name is telling enough."""
    try:
        return endpoint.read(body).notices
    except BadRequest as error:
        return (Notice(error.param or "", error.message),)


class ParityTests(SynchronousTestCase):
    """The parameters of the three routes."""

    def test_no_parameter_is_unknown(self) -> None:
        """A value that no parameter can have is refused or told of by the parameter's name, and never as unknown."""
        path = shared_data.require("specs") / "openai-2.3.0-subset.openapi.json"
        schemas = json.loads(path.read_bytes())["components"]["schemas"]
        for name, (endpoint, least) in _ROUTES.items():
            for param in set(_properties(schemas, schemas[name])):
                with self.subTest(route=name, param=param):
                    told = _notices(endpoint, {"model": "m", **least, param: {"strange": 1}})
                    self.assertTrue(any(notice.param.startswith(param) for notice in told), (name, param, told))
                    self.assertNotIn("unknown parameter, ignored", [notice.message for notice in told])
