"""I51: what agd keeps for one client is unknown to any other, on every way to it, over HTTP and over a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.e2e.exchange import Reply, ask
from tests.e2e.processes import until
from tests.e2e.responses import MODEL, PATH, bearer, create, look, made
from tests.e2e.stage import StagedTestCase, accounts_toml
from tests.e2e.websocket import WebSocket

ANN, BOB = "sk-made-up-ann", "sk-made-up-bob"
KEYS = (
    '[proxy]\nauth_mode = "strict"\n'
    f'[[proxy.api_keys]]\nname = "ann"\nkey = "{ANN}"\n[[proxy.api_keys]]\nname = "bob"\nkey = "{BOB}"\n'
)
SECRET = "The word is swordfish"
UNKNOWN = "resp_00000000000000000000000000000000"
Way = Callable[[str, str | None], Reply]
"""A way to a stored response: takes its id and whose key, and returns what agd answers."""


def post(path: str, body: dict[str, Any], port: int, key: str | None) -> Reply:
    """Post to one of the routes under Responses."""
    return ask(port, PATH + path, {"model": MODEL, **body}, bearer(key))


class OwnersTestCase(StagedTestCase):
    """Tests with two clients, each with a key of its own."""

    settings = KEYS

    def setUp(self) -> None:
        """Let Ann tell a secret, in a response and in an item of it."""
        super().setUp()
        self.kept = made(self.port, ANN, input=SECRET)

    @property
    def ways(self) -> dict[str, Way]:
        """Every way to a stored response over HTTP that changes nothing."""
        port = self.port
        return {
            "retrieve": lambda id, key: look(port, id, key),
            "stream": lambda id, key: look(port, id, key, "?stream=true"),
            "resume": lambda id, key: look(port, id, key, "?stream=true&starting_after=0"),
            "input_items": lambda id, key: look(port, id, key, "/input_items"),
            "previous": lambda id, key: create(port, key, input="Which word?", previous_response_id=id),
            "previous, streamed": lambda id, key: create(
                port, key, input="Which word?", previous_response_id=id, stream=True
            ),
            "previous, background": lambda id, key: create(
                port, key, input="Which word?", previous_response_id=id, background=True
            ),
            "compact": lambda id, key: post("/compact", {"previous_response_id": id}, port, key),
            "input_tokens": lambda id, key: post("/input_tokens", {"previous_response_id": id}, port, key),
        }

    def assert_unknown(self, key: str | None, response_id: str) -> None:
        """See that a client gets the very answer that it gets for a response which never was."""
        before = self.simulator.record["total"]
        for name, way in self.ways.items():
            found, never = way(response_id, key), way(UNKNOWN, key)
            self.assertIn(found.status, {400, 404}, name)
            self.assertEqual(found.status, never.status, name)
            self.assertEqual(found.body.replace(response_id.encode(), UNKNOWN.encode()), never.body, name)
        self.assertEqual(self.simulator.record["total"], before)

    def assert_known(self, key: str | None, response_id: str) -> None:
        """See that a client finds its own."""
        for name in ("retrieve", "input_items", "previous"):
            self.assertEqual(self.ways[name](response_id, key).status, 200, name)

    def become(self, settings: str) -> None:
        """Have agd take other settings while it runs."""
        self.stage.daemon.reload(settings + accounts_toml(self.simulator, "example.com"))
        self.addCleanup(self.stage.recast)


class TwoKeysTests(OwnersTestCase):
    """Bob with the ids of what is Ann's."""

    def test_I51_every_way(self) -> None:
        """No route gives Bob what is Ann's, and none tells him that it is there."""
        self.assert_unknown(BOB, self.kept["id"])
        self.assert_known(ANN, self.kept["id"])

    def test_I51_delete(self) -> None:
        """Bob cannot delete what is Ann's; Ann can, once."""
        id = self.kept["id"]
        self.assertEqual(look(self.port, id, BOB, method="DELETE").status, 404)
        self.assertEqual(look(self.port, id, ANN).status, 200)
        self.assertEqual(look(self.port, id, ANN, method="DELETE").status, 200)
        self.assertEqual(look(self.port, id, ANN, method="DELETE").status, 404)

    def test_I51_cancel(self) -> None:
        """Bob can neither look at what runs for Ann nor cancel it; Ann can."""
        running = made(self.port, ANN, input=f"{SECRET} [[words=5000 pause=0.05]]", background=True)["id"]
        until("the call", lambda: self.simulator.record["live"] == 1)
        cancelled = look(self.port, running, BOB, "/cancel", method="POST")
        self.assertEqual((cancelled.status, look(self.port, running, BOB).status), (404, 404))
        self.assertIn(look(self.port, running, ANN).json["status"], {"queued", "in_progress"})
        self.assertEqual(look(self.port, running, ANN, "/cancel", method="POST").json["status"], "cancelled")
        until("the end of the call", lambda: self.simulator.record["live"] == 0)

    def test_I51_item_reference(self) -> None:
        """Bob cannot refer to an item of Ann's, and learns nothing of it."""
        (item,) = (item for item in self.kept["output"] if item["type"] == "message")

        def refer(item_id: str, key: str) -> Reply:
            turn = [{"type": "item_reference", "id": item_id}, {"role": "user", "content": "Say it again"}]
            return create(self.port, key, input=[{"role": "user", "content": "Hello"}, *turn])

        found, never = refer(item["id"], BOB), refer("msg_never", BOB)
        self.assertIn(found.status, {400, 404})
        self.assertEqual(found.body.replace(item["id"].encode(), b"msg_never"), never.body)
        self.assertEqual(refer(item["id"], ANN).status, 200)
        *_, answer, _ = self.simulator.last["body"]["contents"]
        self.assertEqual(answer["parts"][0]["text"], item["content"][0]["text"])

    def test_I51_websocket(self) -> None:
        """A socket of Bob's does not know what is Ann's, stored or kept by a socket of hers; hers does."""
        with WebSocket(self.port, bearer(ANN)) as anns, WebSocket(self.port, bearer(BOB)) as bobs:
            *_, end = anns.ask(model=MODEL, input=SECRET, store=False)
            for id in (self.kept["id"], end["response"]["id"]):
                asked = {"model": MODEL, "input": "Which word?", "previous_response_id": id, "store": False}
                (error,) = bobs.ask(**asked)
                self.assertEqual((error["type"], error["status"]), ("error", 400))
                self.assertEqual(error["error"]["code"], "previous_response_not_found")
            (never,) = bobs.ask(**asked | {"previous_response_id": UNKNOWN})
            self.assertEqual(json.dumps(error["error"]).replace(id, UNKNOWN), json.dumps(never["error"]))
            self.assertEqual(anns.ask(**asked)[-1]["type"], "response.completed")

    def test_I51_websocket_without_key(self) -> None:
        """Nobody gets a socket without a key."""
        for headers in ({}, bearer("sk-wrong-made-up")):
            with self.assertRaises(Exception) as caught:
                WebSocket(self.port, headers)
            self.assertEqual(getattr(caught.exception, "status", None), 401)

    def test_I33_encrypted_content(self) -> None:
        """Encrypted reasoning of Ann's is ignored where Bob sends it, and a header says so."""
        call = {"name": "look", "args": {}}
        tools = [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}]
        self.simulator.cue({"thought": SECRET, "calls": [call]}, {"text": "Seen."}, {"text": "Seen."})
        asked = {"tools": tools, "store": False, "include": ["reasoning.encrypted_content"]}
        first = made(self.port, ANN, input="Look", reasoning={"summary": "auto"}, **asked)
        (made_call,) = (item for item in first["output"] if item["type"] == "function_call")
        result = {"type": "function_call_output", "call_id": made_call["call_id"], "output": "a word"}
        turn = [{"role": "user", "content": "Look"}, *first["output"], result]
        for key, ignored in ((ANN, False), (BOB, True)):
            reply = create(self.port, key, input=turn, **asked)
            self.assertEqual(reply.status, 200, reply)
            self.assertEqual("encrypted_content" in reply.headers.get("x-agd-notices", ""), ignored, reply)


class LocalTests(OwnersTestCase):
    """Clients without a key, where agd wants none, and those with one, where it does."""

    def test_I51_local_sees_no_keys(self) -> None:
        """Where no key is wanted, what was kept for a key is unknown, with its key sent and without."""
        self.become('[proxy]\nauth_mode = "off"\n')
        for key in (None, ANN):
            self.assert_unknown(key, self.kept["id"])

    def test_I51_keys_see_no_local(self) -> None:
        """What was kept while no key was wanted is unknown to every key later."""
        self.become('[proxy]\nauth_mode = "off"\n')
        local = made(self.port, input=SECRET)["id"]
        self.assert_known(None, local)
        self.become(KEYS)
        for key in (ANN, BOB):
            self.assert_unknown(key, local)
        self.assert_known(ANN, self.kept["id"])

    def test_I51_rotated(self) -> None:
        """A key with a name can be replaced by another, which finds what was kept under the name."""
        self.become(KEYS.replace(ANN, "sk-made-up-ann-2"))
        self.assert_known("sk-made-up-ann-2", self.kept["id"])
        self.assertEqual(look(self.port, self.kept["id"], ANN).status, 401)

    def test_I51_nameless(self) -> None:
        """A key without a name is an owner by itself: another one in its place finds nothing."""
        self.become(f'[proxy]\nauth_mode = "strict"\napi_key = "{BOB}"\n')
        kept = made(self.port, BOB, input=SECRET)["id"]
        self.assert_known(BOB, kept)
        self.assert_unknown(BOB, self.kept["id"])
        self.become('[proxy]\nauth_mode = "strict"\napi_key = "sk-made-up-other"\n')
        self.assert_unknown("sk-made-up-other", kept)
        self.become(KEYS)
        self.assert_unknown(BOB, kept)
