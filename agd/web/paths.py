"""Which endpoint a path means.

Clients build their URLs by appending to a base they were given, and many are given one with too little or too much:
``/chat/completions`` (the ``/v1`` is missing), ``/v1/v1/models``, a slash at the end, or stacked ones such as
``/v1/chat/completions/responses``. Each of these names an endpoint, the last one named; it is served. A path with any
other word in it is not guessed at.
"""

from __future__ import annotations

_ENDPOINTS = (("chat", "completions"), ("completions",), ("responses",), ("models",))
_PLAIN = frozenset({"healthz", "readyz"})
_WORDS = frozenset({"v1", "chat", "completions", "responses", "models"})


def canonical(path: str) -> str:
    """Give the path of the route that is meant; the path itself, without doubled slashes, when it means none."""
    segments = [segment for segment in path.split("/") if segment]
    if is_exact(segments):
        return "/" + "/".join(segments)
    model = _model(segments)
    if model:
        return "/v1/models/" + "/".join(model)
    for endpoint in _ENDPOINTS:
        leading, last = segments[: -len(endpoint)], segments[-len(endpoint) :]
        if tuple(last) == endpoint and all(word in _WORDS for word in leading):
            return "/v1/" + "/".join(endpoint)
    return "/" + "/".join(segments)


def is_exact(segments: list[str]) -> bool:
    """Tell whether the segments are a route as documented: such a path is never read in another way."""
    if len(segments) == 1:
        return segments[0] in _PLAIN
    if segments[:1] != ["v1"]:
        return False
    rest = tuple(segments[1:])
    return rest in _ENDPOINTS or (rest[0] == "models" and len(rest) > 1)


def _model(segments: list[str]) -> list[str]:
    """Give what follows ``models`` when everything before it is a repeated or missing ``v1``."""
    if "models" not in segments:
        return []
    at = segments.index("models")
    return segments[at + 1 :] if all(word == "v1" for word in segments[:at]) else []
