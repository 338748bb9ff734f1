"""Which endpoint a path means.

Clients build their URLs by appending to a base they were given, and many are given one with too little or too much:
``/chat/completions`` (the ``/v1`` is missing), ``/v1/v1/models``, a slash at the end, or stacked ones such as
``/v1/chat/completions/responses``. Each of these names an endpoint, the last one named; it is served. A path with any
other word in it is not guessed at. After ``models`` any word may be a model's name, so there the method decides:
``POST /v1/models/responses`` is for the endpoint, ``GET`` of the same is for a model that is called so. After
``responses`` any word that is no endpoint's may be the id of a stored response.
"""

from __future__ import annotations

_ENDPOINTS = (
    ("chat", "completions"),
    ("completions",),
    ("responses", "compact"),
    ("responses", "input_tokens"),
    ("responses",),
    ("models",),
)
_OF_RESPONSES = ((), ("cancel",), ("input_items",))
"""What may stand behind the id of a response."""
_WORDS = frozenset({"v1", "chat", "completions", "responses", "models"})

SERVED = (
    "POST /v1/chat/completions",
    "POST /v1/completions",
    "POST /v1/responses",
    "POST /v1/responses/compact",
    "POST /v1/responses/input_tokens",
    "GET /v1/responses/{response_id}",
    "DELETE /v1/responses/{response_id}",
    "POST /v1/responses/{response_id}/cancel",
    "GET /v1/responses/{response_id}/input_items",
    "GET /v1/models",
    "GET /v1/models/{model}",
)
"""What to name to a client that asks for another endpoint."""


def path_of(target: bytes) -> bytes:
    """Give the path of a request target, still quoted: without the query, and without a proxy's scheme and host.

    RFC 9112, section 3.2.2, wants the absolute form accepted from everybody.
    """
    path = target.partition(b"?")[0]
    scheme, mark, rest = path.partition(b"://")
    if mark and scheme.lower() in (b"http", b"https"):
        return b"/" + rest.partition(b"/")[2]
    return path


def canonical(path: str, method: str) -> str:
    """Give the path of the route that is meant; the path itself, without doubled slashes, when it means none."""
    segments = [segment for segment in path.split("/") if segment]
    readings = (_endpoint, _model, _response) if method == "POST" else (_model, _endpoint, _response)
    for read in readings:
        meant = read(segments)
        if meant:
            return "/v1/" + "/".join(meant)
    return "/" + "/".join(segments)


def _endpoint(segments: list[str]) -> list[str]:
    """Give the endpoint that is named last; a ``v1`` after it is one too many. Empty when there is another word."""
    end = len(segments)
    while end and segments[end - 1] == "v1":
        end -= 1
    for endpoint in _ENDPOINTS:
        begin = max(end - len(endpoint), 0)
        if tuple(segments[begin:end]) == endpoint and _WORDS.issuperset(segments[:begin]):
            return list(endpoint)
    return []


def _model(segments: list[str]) -> list[str]:
    """Give ``models`` and the name that follows it, if only endpoints stand before it. Empty when there is none."""
    if "models" not in segments:
        return []
    at = segments.index("models")
    return segments[at:] if segments[at + 1 :] and _WORDS.issuperset(segments[:at]) else []


def _response(segments: list[str]) -> list[str]:
    """Give ``responses``, an id and what is asked of it, if only endpoints stand before. Empty when there is none."""
    if "responses" not in segments:
        return []
    at = segments.index("responses")
    found = segments[at + 1 :]
    known = found[:1] and found[0] not in _WORDS and tuple(found[1:]) in _OF_RESPONSES
    return segments[at:] if known and _WORDS.issuperset(segments[:at]) else []
