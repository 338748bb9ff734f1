"""The simulator's other addresses are as strict as the provider's: Vertex AI, Code Assist, the token endpoint."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.simulator.manners import CodeAssist, Gemini, Vertex
from agd.simulator.office import Client, Office
from agd.simulator.rpc_status import Refused
from agd.simulator.simulation import Simulator

CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]
CLIENT = Client("c", "s", "r", "one")
GRANT = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}


class MannerTests(SynchronousTestCase):
    """What each manner takes."""

    def refuses(self, status: int, step: Any, *given: Any) -> None:
        """Refuse with this status."""
        self.assertEqual(self.assertRaises(Refused, step, *given).status.http, status)

    def test_vertex_paths(self) -> None:
        """A publisher's model is found with and without a project; anything else is not."""
        vertex = Vertex()
        for path in ("projects/p/locations/l/publishers/google/models/m", "publishers/google/models/m"):
            self.assertEqual(vertex.model(path), "m")
        for path in ("models/m", "projects/p/publishers/google/models/m", "publishers/google/models/a/b"):
            self.refuses(404, vertex.model, path)

    def test_B05_vertex_knows_no_ids(self) -> None:
        """Ids of calls and results, and tiers, are unknown names there."""
        vertex = Vertex()
        for kind in ("functionCall", "functionResponse"):
            body = {"contents": [{"parts": [{kind: {"name": "f", "id": "x"}}]}]}
            self.refuses(400, vertex.opened, "m", json.dumps(body).encode())
        self.refuses(400, vertex.opened, "m", json.dumps({"contents": CONTENTS, "serviceTier": "flex"}).encode())
        data = json.dumps({"contents": CONTENTS}).encode()
        self.assertEqual(vertex.opened("m", data), ("m", data))

    def test_G11_envelope(self) -> None:
        """Code Assist wants model, project and request, and answers in an envelope."""
        manner = CodeAssist()
        good = {"model": "m", "project": "p", "request": {"contents": CONTENTS}}
        model, data = manner.opened("", json.dumps(good).encode())
        self.assertEqual((model, json.loads(data)), ("m", {"contents": CONTENTS}))
        self.assertEqual(manner.enveloped({"a": 1})["response"], {"a": 1})
        for missing, status in (("model", 400), ("request", 400), ("project", 403)):
            body = {key: value for key, value in good.items() if key != missing}
            self.refuses(status, manner.opened, "", json.dumps(body).encode())
        self.refuses(400, manner.opened, "", b"[]")

    def test_K10_counts(self) -> None:
        """Each manner counts in its own form, and refuses those of the others."""
        wrapped = {"generateContentRequest": {"model": "models/m", "contents": CONTENTS}}
        flat = {"contents": CONTENTS, "tools": []}
        own = {"request": {"model": "models/m", "contents": CONTENTS}}
        for manner, good, bad in ((Gemini(), wrapped, flat), (Vertex(), flat, wrapped), (CodeAssist(), own, flat)):
            self.assertTrue(manner.counted(good, "m"))
            self.refuses(400, manner.counted, bad, "m")


class OfficeTests(SynchronousTestCase):
    """Tokens and those who have them."""

    def test_tokens_end(self) -> None:
        """A token stands for its account until it ends or is revoked."""
        office = Office(clients=[CLIENT], lifetime=10.0)
        token = office.decide(GRANT, "u", 100.0).document["access_token"]
        self.assertEqual((office.key_of(token, 109.0), office.key_of(token, 110.0)), ("one", None))
        office.revoke()
        self.assertIsNone(office.key_of(token, 101.0))

    def test_refusals(self) -> None:
        """Wrong clients and tokens are told apart, and faults come first."""
        office = Office(clients=[CLIENT])
        self.assertEqual(office.decide(GRANT | {"client_secret": "x"}, "u", 0.0).document["error"], "invalid_client")
        self.assertEqual(office.decide(GRANT | {"refresh_token": "x"}, "u", 0.0).document["error"], "invalid_grant")
        office.failures.append((503, "busy"))
        self.assertEqual([office.decide(GRANT, "u", 0.0).status for _ in range(2)], [503, 200])
        self.assertEqual((office.asked, office.granted), (4, 1))

    def test_bearer(self) -> None:
        """A token lets its account in; another is 401 as Google says it."""
        simulator = Simulator(keys=("one",))
        simulator.office.clients.append(CLIENT)
        token = simulator.office.decide(GRANT, "u", 0.0).document["access_token"]
        self.assertEqual(simulator.bearer(token, 0.0), "one")
        status = self.assertRaises(Refused, simulator.bearer, "x", 0.0).status
        self.assertEqual((status.http, status.grpc), (401, "UNAUTHENTICATED"))
