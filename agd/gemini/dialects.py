"""The three dialects in which the provider is asked: where to, and what is put around a request.

The request itself is the same in all of them but for what ``models.toml`` says in its tables ``dialect``; so are the
answers, which ``answers`` takes with an envelope and without. Pure.

- Gemini API: https://ai.google.dev/api
- Vertex AI: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
- Code Assist: the envelope ``{model, project, request}`` of ``cloudcode-pa.googleapis.com/v1internal``
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar, Literal, Protocol
from urllib.parse import quote, urlencode

from attrs import frozen

from agd.encoding import decode, encode, encode_text

Operation = Literal["generateContent", "streamGenerateContent", "countTokens"]

USUAL = "gemini"
"""The dialect of most accounts."""
GLOBAL = "global"
"""The location of Vertex AI that is no region."""

_STREAM = "?alt=sse"
_WORD = r"[A-Za-z0-9][A-Za-z0-9._@-]*"
_PUBLISHED = re.compile(rf"publishers/{_WORD}/models/{_WORD}")
_IN_FULL = re.compile(rf"projects/{_WORD}/locations/{_WORD}/(?:endpoints/{_WORD}|{_PUBLISHED.pattern})")
_MULTI_REGIONS = frozenset({"us", "eu"})
_COUNTED = ("contents", "systemInstruction", "tools", "generationConfig")
"""What Vertex AI's ``countTokens`` knows of a request; the rest has no tokens."""


class Place(Protocol):
    """Where an account's models are; an ``Account`` is one."""

    @property
    def base_url(self) -> str:
        """Scheme, host and perhaps a prefix of the path."""

    @property
    def project(self) -> str:
        """The Google Cloud project, "" where none is needed."""

    @property
    def location(self) -> str:
        """The location of Vertex AI."""


class Dialect(ABC):
    """One manner of asking."""

    name: ClassVar[str]

    def url(self, place: Place, model: str, operation: Operation) -> str:
        """Return where an operation on a model is asked for. A stream is asked for as server-sent events."""
        path = _path(self, place.project, place.location, model)
        return f"{place.base_url}/{path}:{operation}{_STREAM if operation == 'streamGenerateContent' else ''}"

    @abstractmethod
    def path(self, project: str, location: str, model: str) -> str:
        """Return the path that stands before ``:generateContent``, without a slash in front."""

    def body(self, place: Place, model: str, written: bytes) -> bytes:
        """Put around a request, written as ``requests.Outgoing.body``, what the dialect wants around it."""
        return written

    @abstractmethod
    def count_body(self, place: Place, model: str, written: bytes) -> bytes:
        """Make the body of ``countTokens`` for a request (K10)."""

    @abstractmethod
    def list_url(self, place: Place, token: str) -> str | None:
        """Return where a page of the list of models is; None: there is no list."""

    def headers(self, place: Place) -> Mapping[str, str]:
        """Return what goes with a request that a token proves."""
        return {}


@frozen
class GeminiApi(Dialect):
    """The Gemini Developer API, v1beta."""

    name = "gemini"

    def path(self, project: str, location: str, model: str) -> str:
        """Name models, and tuned ones, by their collection."""
        collection, name = ("tunedModels", model[12:]) if model.startswith("tunedModels/") else ("models", _bare(model))
        return f"v1beta/{collection}/{quote(name, safe='')}"

    def count_body(self, place: Place, model: str, written: bytes) -> bytes:
        """Wrap the request: beside bare contents, instructions and tools would not be counted."""
        head = encode_text(f"models/{_bare(model)}").encode()
        return b'{"generateContentRequest":' + _joined(b'"model":' + head, written) + b"}"

    def list_url(self, place: Place, token: str) -> str:
        """Return a page of ``models.list``."""
        return f"{place.base_url}/v1beta/models?{_page(1000, token)}"

    def headers(self, place: Place) -> Mapping[str, str]:
        """Name the project that pays: a token alone is counted for the project of its OAuth client."""
        return {"x-goog-user-project": place.project} if place.project else {}


@frozen
class VertexAi(Dialect):
    """Vertex AI, v1beta1; without a project in express mode, which a key is enough for."""

    name = "vertex"

    def path(self, project: str, location: str, model: str) -> str:
        """Name publishers' models, tuned ones by their number, and whatever is named in full as it is."""
        if _IN_FULL.fullmatch(model):
            return f"v1beta1/{model}"
        where = (quote(project, safe=""), quote(location or GLOBAL, safe=""))
        parent = "projects/{}/locations/{}/".format(*where) if project else ""
        if _PUBLISHED.fullmatch(model) and not model.startswith("publishers/google/"):
            return f"v1beta1/{parent}{model}"
        name = _bare(model)
        if name.startswith("endpoints/") or (name.isascii() and name.isdigit()):
            return f"v1beta1/{parent}endpoints/{quote(name.removeprefix('endpoints/'), safe='')}"
        return f"v1beta1/{parent}publishers/google/models/{quote(name, safe='')}"

    def count_body(self, place: Place, model: str, written: bytes) -> bytes:
        """Leave the request flat, and leave out what is not counted: it would be refused."""
        request = decode(written)
        return encode({key: request[key] for key in _COUNTED if key in request})

    def list_url(self, place: Place, token: str) -> str:
        """Return a page of ``publishers.models.list``, which exists for all locations together."""
        return f"{place.base_url}/v1beta1/publishers/google/models?{_page(100, token)}"


@frozen
class CodeAssist(Dialect):
    """Gemini Code Assist: one address for all models, which the envelope names. It lists no models."""

    name = "code-assist"

    def path(self, project: str, location: str, model: str) -> str:
        """Return the one path."""
        return "v1internal"

    def body(self, place: Place, model: str, written: bytes) -> bytes:
        """Put the request into the envelope."""
        names = {"model": _bare(model)} | ({"project": place.project} if place.project else {})
        return encode(names)[:-1] + b',"request":' + written + b"}"

    def count_body(self, place: Place, model: str, written: bytes) -> bytes:
        """Put model and contents, all that is counted there, into its own envelope."""
        request = {"model": f"models/{_bare(model)}", "contents": decode(written).get("contents", [])}
        return encode({"request": request})

    def list_url(self, place: Place, token: str) -> None:
        """Return None."""

    def project_url(self, place: Place) -> str:
        """Return where the project of an account is asked for."""
        return f"{place.base_url}/v1internal:loadCodeAssist"

    @property
    def project_body(self) -> bytes:
        """The question for the project; it names no editor and no plugin, since there is none."""
        unspecified = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED"}
        return encode({"metadata": {**unspecified, "pluginType": "PLUGIN_UNSPECIFIED"}})


CODE_ASSIST = CodeAssist()
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (GeminiApi(), VertexAi(), CODE_ASSIST)}
)
"""Every dialect by its name, which is the ``kind`` of an account."""


def default_base_url(dialect: str, location: str, gemini: str) -> str:
    """Return where a dialect is spoken when nobody says otherwise; ``gemini`` is where the Gemini API stands (K09)."""
    if dialect == "vertex":
        return f"https://{vertex_host(location)}"
    return "https://cloudcode-pa.googleapis.com" if dialect == "code-assist" else gemini


def vertex_host(location: str) -> str:
    """Return the host of a location: the global one has no prefix, and multi-regions have a domain of their own."""
    if location in {"", GLOBAL}:
        return "aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


@lru_cache(maxsize=512)
def _path(dialect: Dialect, project: str, location: str, model: str) -> str:
    return dialect.path(project, location, model)


def _bare(model: str) -> str:
    """Take off what other upstreams put before the names of models (K08)."""
    for prefix in ("publishers/google/models/", "publishers/google/", "models/", "google/"):
        if model.startswith(prefix):
            return model.removeprefix(prefix)
    return model


def _joined(member: bytes, document: bytes) -> bytes:
    """Put a member in front of those of a JSON object, which has some already."""
    return b"{" + member + b"," + document[1:]


def _page(size: int, token: str) -> str:
    return urlencode({"pageSize": size} | ({"pageToken": token} if token else {}))
