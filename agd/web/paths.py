"""Which endpoint a path means.

Clients build their URLs by appending to a base they were given, and many are given one with too little or too much:
``/chat/completions`` (the ``/v1`` is missing), ``/v1/v1/models``, a slash at the end, or stacked ones such as
``/v1/chat/completions/responses``. Each of these names an endpoint, the last one named; it is served. A path with any
other word in it is not guessed at.
"""

from __future__ import annotations

_ENDPOINTS = (("chat", "completions"), ("completions",), ("responses",), ("models",))
_WORDS = frozenset({"v1", "chat", "completions", "responses", "models"})


def path_of(target: bytes) -> bytes:
    """Give the path of a request target, still quoted: without the query, and without a proxy's scheme and host.

    RFC 9112, section 3.2.2, wants the absolute form accepted from everybody.
    """
    path = target.partition(b"?")[0]
    scheme, mark, rest = path.partition(b"://")
    if mark and scheme.lower() in (b"http", b"https"):
        return b"/" + rest.partition(b"/")[2]
    return path


def canonical(path: str) -> str:
    """Give the path of the route that is meant; the path itself, without doubled slashes, when it means none."""
    segments = [segment for segment in path.split("/") if segment]
    model = _model(segments)
    if model:
        return "/v1/models/" + "/".join(model)
    for endpoint in _ENDPOINTS:
        leading, last = segments[: -len(endpoint)], segments[-len(endpoint) :]
        if tuple(last) == endpoint and _WORDS.issuperset(leading):
            return "/v1/" + "/".join(endpoint)
    return "/" + "/".join(segments)


def _model(segments: list[str]) -> list[str]:
    """Give what follows ``models`` when everything before it is a repeated or missing ``v1``: a model's name.

    This is the one route with an open end, so it is looked at first: ``/v1/models/responses`` names a model.
    """
    if "models" not in segments:
        return []
    at = segments.index("models")
    return segments[at + 1 :] if all(word == "v1" for word in segments[:at]) else []
