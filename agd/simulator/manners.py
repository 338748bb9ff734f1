"""The three manners in which the provider is asked: whose model a path names, and what stands around a request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agd.encoding import encode
from agd.simulator.fields import members
from agd.simulator.requests import read_body
from agd.simulator.rpc_status import Refused, Status, invalid_argument

_VERTEX = re.compile(r"(?:projects/[^/]+/locations/[^/]+/)?publishers/google/models/(?P<model>[^/]+)")
_VERTEX_COUNTED = frozenset({"contents", "systemInstruction", "tools", "generationConfig", "model", "instances"})


class Gemini:
    """The Developer API: ``models/NAME``."""

    def model(self, path: str) -> str:
        """Give the model that a path names. Raises ``Refused``."""
        return path

    def opened(self, model: str, data: bytes) -> tuple[str, bytes]:
        """Give the model and the bare request of a body. Raises ``Refused``."""
        return model, data

    def enveloped(self, response: dict[str, Any]) -> dict[str, Any]:
        """Give a response as it stands on the wire."""
        return response

    def counted(self, body: dict[str, Any], model: str) -> tuple[str, dict[str, Any]]:
        """Give model and request of a ``countTokens`` body. Raises ``Refused`` for what this API does not take (K10).

        The bare form, which leaves instructions and tools out of the count, is refused: a gateway should not send it.
        """
        request = members(body, "CountTokensRequest").get("generateContentRequest")
        if not isinstance(request, dict) or request.get("model") != f"models/{model}":
            raise invalid_argument("* CountTokensRequest.generate_content_request.model: must name the same model\n")
        return model, {key: value for key, value in request.items() if key != "model"}


class Vertex(Gemini):
    """Vertex AI: a publisher's model, within a project and location or (express mode) without."""

    def model(self, path: str) -> str:
        """Give the name behind the publisher."""
        found = _VERTEX.fullmatch(path)
        if found is None:
            raise Refused(Status(404, "NOT_FOUND", f"Publisher Model `{path}` was not found."))
        return found["model"]

    def opened(self, model: str, data: bytes) -> tuple[str, bytes]:
        """Refuse what only the Developer API knows: ids of calls, tiers (B05)."""
        body = read_body(data)
        if isinstance(body, dict):
            if "serviceTier" in body:
                raise invalid_argument('Invalid JSON payload received. Unknown name "serviceTier": Cannot find field.')
            for where in _ids(body):
                raise invalid_argument(f"Invalid JSON payload received. Unknown name \"id\" at '{where}'.")
        return model, data

    def counted(self, body: dict[str, Any], model: str) -> tuple[str, dict[str, Any]]:
        """Take the flat form only."""
        if set(body) - _VERTEX_COUNTED:
            raise invalid_argument("Invalid JSON payload received. Unknown name in CountTokensRequest.")
        return model, body


class CodeAssist(Gemini):
    """Code Assist: model and project in an envelope, answers in one as well."""

    def opened(self, model: str, data: bytes) -> tuple[str, bytes]:
        """Take the request out of its envelope."""
        envelope = json_object(data)
        if not isinstance(envelope.get("model"), str) or not isinstance(envelope.get("request"), dict):
            raise invalid_argument("Request contains an invalid argument.")
        if not isinstance(envelope.get("project"), str):
            raise Refused(Status(403, "PERMISSION_DENIED", "The caller does not have permission"))
        return envelope["model"], encode(envelope["request"])

    def enveloped(self, response: dict[str, Any]) -> dict[str, Any]:
        """Put a response into its envelope."""
        return {"response": response, "traceId": "simulated"}

    def counted(self, body: dict[str, Any], model: str) -> tuple[str, dict[str, Any]]:
        """Take the envelope of its own."""
        request = body.get("request")
        if set(body) != {"request"} or not isinstance(request, dict) or set(request) != {"model", "contents"}:
            raise invalid_argument("Request contains an invalid argument.")
        return str(request["model"]).removeprefix("models/"), {"contents": request["contents"]}


def json_object(data: bytes) -> dict[str, Any]:
    """Decode a body that has to be an object. Raises ``Refused``."""
    body = read_body(data)
    if not isinstance(body, dict):
        raise invalid_argument("Invalid JSON payload received. Root element must be a message.")
    return body


def _ids(body: dict[str, Any]) -> Iterator[str]:
    for number, content in enumerate(body.get("contents") or []):
        for place, part in enumerate(content.get("parts") or [] if isinstance(content, dict) else []):
            for kind in ("functionCall", "functionResponse"):
                call = part.get(kind) if isinstance(part, dict) else None
                if isinstance(call, dict) and "id" in call:
                    yield f"contents[{number}].parts[{place}].{kind}"
