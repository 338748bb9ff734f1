"""The three dialects: where a model is asked for, and what stands around the request."""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Message, Prompt, Text, Tool, ToolCall, ToolResult
from agd.gemini.dialects import CODE_ASSIST, DIALECTS, default_base_url, vertex_host
from agd.gemini.models import family
from agd.gemini.requests import write_request


@frozen
class Place:
    """Where an account's models are."""

    base_url: str = "https://host.example/prefix"
    project: str = "my-project"
    location: str = "europe-west4"


GEMINI, VERTEX = DIALECTS["gemini"], DIALECTS["vertex"]
BODY = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"tools":[],"safetySettings":[]}'


def called() -> Prompt:
    """Make a prompt with a call and its result in it."""
    call = ToolCall("call_1", "look", "{}")
    result = ToolResult("call_1", (Text("found"),), "look")
    turns = (Message("user", (Text("hi"),)), Message("assistant", (call,)), Message("user", (result,)))
    return Prompt("m", turns, tools=(Tool("look"),))


class AddressTests(SynchronousTestCase):
    """Where is asked."""

    def path(self, dialect: str, model: str, place: Place | None = None) -> str:
        """Return the path for a model, without version and operation."""
        url = DIALECTS[dialect].url(place or Place(), model, "generateContent")
        return url.removeprefix("https://host.example/prefix/").removesuffix(":generateContent")

    def test_K08_prefixes(self) -> None:
        """Whatever stands before a model's name elsewhere, each upstream is asked for it by its own form."""
        parent = "v1beta1/projects/my-project/locations/europe-west4"
        for prefix in ("", "models/", "google/", "publishers/google/models/"):
            name = f"{prefix}gemini-2.5-pro"
            self.assertEqual(self.path("gemini", name), "v1beta/models/gemini-2.5-pro")
            self.assertEqual(self.path("vertex", name), f"{parent}/publishers/google/models/gemini-2.5-pro")
            envelope = json.loads(CODE_ASSIST.body(Place(), name, BODY))
            self.assertEqual(envelope["model"], "gemini-2.5-pro")

    def test_K08_tuned(self) -> None:
        """Tuned models are numbered endpoints at Vertex AI, and a collection of their own at the Gemini API."""
        parent = "v1beta1/projects/my-project/locations/europe-west4"
        full = "projects/p/locations/l/endpoints/1"
        self.assertEqual(self.path("gemini", "tunedModels/mine"), "v1beta/tunedModels/mine")
        self.assertEqual(self.path("vertex", "1234567890"), f"{parent}/endpoints/1234567890")
        self.assertEqual(self.path("vertex", "endpoints/77"), f"{parent}/endpoints/77")
        self.assertEqual(self.path("vertex", full), f"v1beta1/{full}")
        other = "publishers/other/models/m-1@001"
        self.assertEqual(self.path("vertex", other), f"{parent}/{other}")

    def test_no_way_out_of_the_path(self) -> None:
        """A name that tries to be more than a name is one segment."""
        for name in (
            "projects/../x",
            "projects/p/locations/../endpoints/1",
            "publishers/x/models/../../y",
            "a/../b?c#d",
        ):
            for dialect in ("gemini", "vertex"):
                path = self.path(dialect, name)
                self.assertNotIn("..", path.split("/"))
                self.assertNotIn("?", path)

    def test_express(self) -> None:
        """Without a project Vertex AI is asked in express mode: by the publisher's model alone."""
        place = Place(project="", location="global")
        self.assertEqual(self.path("vertex", "gemini-x", place), "v1beta1/publishers/google/models/gemini-x")

    def test_K09_hosts(self) -> None:
        """Each region has its host; the global location has no prefix, and multi-regions have a domain of their own."""
        self.assertEqual(vertex_host("europe-west4"), "europe-west4-aiplatform.googleapis.com")
        self.assertEqual(vertex_host("global"), "aiplatform.googleapis.com")
        self.assertEqual(vertex_host("eu"), "aiplatform.eu.rep.googleapis.com")
        self.assertEqual(
            default_base_url("vertex", "us-central1", "x"), "https://us-central1-aiplatform.googleapis.com"
        )
        self.assertEqual(default_base_url("gemini", "", "http://here"), "http://here")
        self.assertEqual(default_base_url("code-assist", "", "x"), "https://cloudcode-pa.googleapis.com")

    def test_stream(self) -> None:
        """A stream is asked for as server-sent events, in every dialect."""
        for dialect in DIALECTS.values():
            url = dialect.url(Place(), "m", "streamGenerateContent")
            self.assertTrue(url.endswith(":streamGenerateContent?alt=sse"), url)

    def test_lists(self) -> None:
        """The Gemini API and Vertex AI list their models, page by page; Code Assist does not."""
        self.assertEqual(GEMINI.list_url(Place(), ""), "https://host.example/prefix/v1beta/models?pageSize=1000")
        url = VERTEX.list_url(Place(), "a b")
        self.assertEqual(url, "https://host.example/prefix/v1beta1/publishers/google/models?pageSize=100&pageToken=a+b")
        self.assertIsNone(DIALECTS["code-assist"].list_url(Place(), ""))


class EnvelopeTests(SynchronousTestCase):
    """What stands around a request."""

    def test_G11_envelope(self) -> None:
        """Code Assist gets model, project and the request as it was written; the others get it bare."""
        written = CODE_ASSIST.body(Place(), "gemini-x", BODY)
        self.assertEqual(
            json.loads(written), {"model": "gemini-x", "project": "my-project", "request": json.loads(BODY)}
        )
        self.assertIn(BODY, written)
        self.assertEqual(CODE_ASSIST.body(Place(), "gemini-x", BODY), written)
        self.assertEqual((GEMINI.body(Place(), "m", BODY), VERTEX.body(Place(), "m", BODY)), (BODY, BODY))

    def test_K10_count(self) -> None:
        """Tokens are counted of a wrapped request, of a flat one, or of contents alone, as each upstream takes it."""
        request = json.loads(BODY)
        wrapped = json.loads(GEMINI.count_body(Place(), "m", BODY))
        self.assertEqual(wrapped, {"generateContentRequest": {"model": "models/m", **request}})
        flat = json.loads(VERTEX.count_body(Place(), "m", BODY))
        self.assertEqual(flat, {"contents": request["contents"], "tools": []})
        own = json.loads(CODE_ASSIST.count_body(Place(), "m", BODY))
        self.assertEqual(own, {"request": {"model": "models/m", "contents": request["contents"]}})

    def test_no_disguise(self) -> None:
        """The question for a project claims to be no editor and no plugin."""
        metadata = json.loads(CODE_ASSIST.project_body)["metadata"]
        self.assertEqual({value.rpartition("_")[2] for value in metadata.values()}, {"UNSPECIFIED"})

    def test_who_pays(self) -> None:
        """With a token, the Gemini API is told the project, which a key implies and Vertex AI has in its path."""
        self.assertEqual(GEMINI.headers(Place()), {"x-goog-user-project": "my-project"})
        self.assertEqual((VERTEX.headers(Place()), GEMINI.headers(Place(project=""))), ({}, {}))


class TraitTests(SynchronousTestCase):
    """What a dialect changes in the request itself."""

    def body(self, dialect: str, prompt: Prompt, **more: Any) -> Any:
        """Return the body of a request."""
        return json.loads(write_request(prompt, "gemini-3-flash-preview", dialect=dialect, **more).body)

    def test_B05_ids(self) -> None:
        """Calls and results carry their ids where the upstream takes them, and none at Vertex AI."""
        for dialect, known in (("gemini", True), ("code-assist", True), ("vertex", False)):
            turns = self.body(dialect, called())["contents"]
            call, result = turns[1]["parts"][0]["functionCall"], turns[2]["parts"][0]["functionResponse"]
            self.assertEqual(("id" in call, "id" in result), (known, known), dialect)

    def test_configuration_wins(self) -> None:
        """What the configuration says of a model holds in every dialect."""
        turns = self.body("vertex", called(), overrides={"gemini-3": {"function_ids": True}})["contents"]
        self.assertIn("id", turns[1]["parts"][0]["functionCall"])

    def test_tiers(self) -> None:
        """Tiers are the Developer API's: elsewhere the wish is noticed, not sent."""
        prompt = Prompt("m", (Message("user", (Text("hi"),)),), service_tier="flex")
        self.assertEqual(self.body("gemini", prompt)["serviceTier"], "flex")
        outgoing = write_request(prompt, "gemini-3-flash-preview", dialect="vertex")
        self.assertNotIn(b"serviceTier", outgoing.body)
        self.assertEqual([notice.param for notice in outgoing.notices], ["service_tier"])

    def test_same_calls(self) -> None:
        """No dialect changes how many calls answer a prompt, or which stop strings are agd's to enforce."""
        for model in ("gemini-2.5-flash", "gemini-3-pro-preview", "unknown"):
            traits = [family(model, {}, dialect) for dialect in DIALECTS]
            self.assertEqual(len({(each.candidate_count, each.stops) for each in traits}), 1)
