"""Routes, methods and paths over a connection."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.verdict import Blame, Verdict
from agd.errors import FailureKind, UpstreamFailure
from agd.web.paths import SERVED
from tests.web.front import ACCOUNT, CHAT, KNOWN, FakeGateway, Front
from tests.web.replies import Reply


class RouteTestCase(SynchronousTestCase):
    """Asks a front with one account."""

    def setUp(self) -> None:
        """Make the front."""
        self.front = Front()

    def get(self, target: str, headers: dict[str, str] | None = None) -> Reply:
        """GET a target."""
        return self.front.ask("GET", target, headers=headers).reply


class HealthTests(RouteTestCase):
    """The operators' routes."""

    def test_healthz(self) -> None:
        """/healthz says ok, exactly as documented."""
        reply = self.get("/healthz")
        self.assertEqual((reply.status, reply.body), (200, b'{"status":"ok"}'))
        self.assertEqual(reply.headers["content-type"], "application/json")

    def test_readyz(self) -> None:
        """/readyz says ready while an account is usable."""
        self.assertEqual((self.get("/readyz").status, self.get("/readyz/").json), (200, {"status": "ready"}))

    def test_no_account(self) -> None:
        """Without an account /readyz and everything under /v1 answer 503 and say what to configure."""
        self.front = Front(gateway=FakeGateway([]))
        self.assertEqual(self.get("/healthz").status, 200)
        for target in ("/readyz", "/v1/models", "/v1/models/gemini-2.5-pro"):
            reply = self.get(target)
            self.assertEqual((reply.status, reply.error["type"]), (503, "server_error"), target)
            self.assertIn("GEMINI_API_KEY", reply.error["message"])
            self.assertIn("[[accounts]]", reply.error["message"])

    def test_disabled(self) -> None:
        """When every account is disabled /readyz gives the reason."""
        failure = UpstreamFailure(FailureKind.STATUS, "API key not valid", status=400)
        self.front.gateway.pool.punish(ACCOUNT, "", Verdict(rotate=True, blame=Blame.DISABLE), failure, 0.0)
        reply = self.get("/readyz")
        self.assertEqual(reply.status, 503)
        self.assertIn("400 API key not valid", reply.error["message"])

    def test_unobtrusive_head(self) -> None:
        """HEAD gives the head of GET and no body."""
        connection = self.front.ask("HEAD", "/healthz")
        head, _, body = connection.received.partition(b"\r\n\r\n")
        self.assertIn(b"Content-Length: 15", head)
        self.assertEqual(body, b"")
        connection.ask("GET", "/healthz")
        self.assertTrue(connection.received.endswith(b'{"status":"ok"}'))


class ModelTests(RouteTestCase):
    """The list of models."""

    def test_list(self) -> None:
        """The list is an object list of what can really be asked for; patterns are not in it."""
        reply = self.get("/v1/models")
        self.assertEqual((reply.status, reply.json["object"]), (200, "list"))
        for entry in reply.json["data"]:
            self.assertEqual(set(entry), {"id", "object", "created", "owned_by"})
            self.assertEqual((entry["object"], type(entry["created"])), ("model", int))
        names = [entry["id"] for entry in reply.json["data"]]
        self.assertEqual(names[0], "mine")
        self.assertTrue(set(KNOWN) <= set(names))
        self.assertFalse([name for name in names if "*" in name])
        self.assertEqual(len(names), len(set(names)))

    def test_one(self) -> None:
        """One model has its object, and the header tells what it is mapped to."""
        reply = self.get("/v1/models/mine")
        self.assertEqual((reply.status, reply.json["id"]), (200, "mine"))
        self.assertEqual(reply.headers["x-mapped-model"], "gemini-2.5-pro")

    def test_slash_in_name(self) -> None:
        """A name with a slash is found as it is and percent-encoded."""
        for target in ("/v1/models/tuned/one", "/v1/models/tuned%2Fone", "/models/tuned/one/"):
            self.assertEqual(self.get(target).json["id"], "tuned/one", target)
        reply = self.get("/v1/models/models/gemini-2.5-pro")
        self.assertEqual(reply.headers["x-mapped-model"], "gemini-2.5-pro")

    def test_unknown(self) -> None:
        """An unknown model is 404 model_not_found, also where the name is an endpoint's."""
        for target in ("/v1/models/nothing", "/v1/models/responses", "/v1/models/%00", "/v1/models/%C3%A9"):
            reply = self.get(target)
            self.assertEqual((reply.status, reply.error["code"]), (404, "model_not_found"), target)
            self.assertNotIn("x-mapped-model", reply.headers)

    def test_head(self) -> None:
        """HEAD of the list is cheap for the client: the length and nothing else."""
        length = self.get("/v1/models").headers["content-length"]
        head, _, body = self.front.ask("HEAD", "/v1/models").received.partition(b"\r\n\r\n")
        self.assertIn(b"Content-Length: " + length.encode(), head)
        self.assertEqual(body, b"")


class PathTests(RouteTestCase):
    """Paths as clients send them."""

    def test_variants(self) -> None:
        """Variants of an endpoint's path reach it."""
        for path in (
            "/chat/completions",
            "/v1/v1/chat/completions/",
            "//v1//chat//completions",
            "/v1%2Fchat/completions",
        ):
            self.front.ask("POST", path, CHAT)
        self.assertEqual(len(self.front.gateway.calls), 4)

    def test_stacked(self) -> None:
        """A stacked path is answered by the endpoint named last: here in Response shape."""
        connection = self.front.ask("POST", "/v1/chat/completions/responses", {"model": "mine", "input": "x"})
        self.assertEqual(self.front.gateway.calls[0].prompt.model, "mine")
        self.assertEqual(connection.received, b"")

    def test_stacked_on_models(self) -> None:
        """POST to an endpoint that is stacked on ``models`` reaches it; GET of the same asks for a model."""
        self.front.ask("POST", "/v1/models/chat/completions", CHAT)
        self.front.ask("POST", "/v1/models/responses", {"model": "mine", "input": "x"})
        self.front.ask("POST", "/v1/chat/completions/v1", CHAT)
        self.assertEqual([call.prompt.model for call in self.front.gateway.calls], ["gpt-4o", "mine", "gpt-4o"])
        self.assertEqual(self.get("/v1/models/responses").error["code"], "model_not_found")
        self.assertEqual(self.get("/v1/chat/completions/models/mine").json["id"], "mine")

    def test_absolute(self) -> None:
        """A target in absolute form is served by its path (RFC 9112, 3.2.2) and logged by it."""
        self.assertEqual(self.get("http://127.0.0.1:8045/healthz?x=y").status, 200)
        self.assertEqual(self.get("http://user:secret@127.0.0.1:8045/v1/models").json["object"], "list")
        self.assertEqual([path for _, path, *_ in self.front.observed.answers], ["/healthz", "/v1/models"])

    def test_unknown(self) -> None:
        """Any other path is 404 in JSON with the base URL that is right for this client."""
        for target in ("/embeddings", "/v1", "/v1/", "/openai/v1/chat/completions"):
            reply = self.get(target, {"Host": "localhost:9000"})
            self.assertEqual((reply.status, reply.error["code"]), (404, "unknown_url"))
            self.assertEqual(reply.error["type"], "invalid_request_error")
            self.assertIn("base_url", reply.error["message"])
            self.assertIn("http://localhost:9000/v1", reply.error["message"])
            self.assertIn(f"GET {target}", reply.error["message"])

    def test_unknown_endpoint(self) -> None:
        """Under /v1/ the base URL is right: the message says so, and which endpoints there are."""
        for target in ("/v1/embeddings", "/v1/responses/resp_1/frobs", "/v1/v1/audio/speech", "//v1//chat"):
            reply = self.get(target)
            self.assertEqual((reply.status, reply.error["code"]), (404, "unknown_url"))
            self.assertNotIn("base_url", reply.error["message"])
            self.assertIn("does not serve this endpoint", reply.error["message"])
            for endpoint in SERVED:
                self.assertIn(endpoint, reply.error["message"])

    def test_served(self) -> None:
        """What that message names is there."""
        for endpoint in SERVED:
            method, path = endpoint.replace("{model}", "mine").replace("{response_id}", "resp_1").split()
            reply = self.front.ask(method, path, b"{}" if method == "POST" else None).reply
            there = reply.status in (200, 400) or reply.error["code"] == "response_not_found"
            self.assertTrue(there, (endpoint, reply))

    def test_hint_of_its_own(self) -> None:
        """Without a Host, or with a strange one, the hint names the default address."""
        connection = self.front.connect()
        connection.send(b"GET /nowhere HTTP/1.0\r\n\r\n")
        self.assertIn("http://127.0.0.1:8045/v1", connection.reply.error["message"])

    def test_every_other_path(self) -> None:
        """Root, asterisk, other schemes, an authority, dots and half paths are 404 and never HTML."""
        for target in ("/", "*", "ftp://host/v1/models", "host:443", "/v1", "/v1/chat", "/v1/../healthz", "/static/x"):
            for method in ("GET", "POST", "DELETE"):
                reply = self.front.ask(method, target).reply
                self.assertEqual((reply.status, reply.error["code"]), (404, "unknown_url"), (method, target))

    def test_not_text(self) -> None:
        """A path that is not UTF-8 is 404 in JSON, percent-encoded or as raw bytes."""
        connection = self.front.connect()
        for target in (b"/%ff", b"/v1/models/%ff%fe", b"/v1/\x80", b"/v1/models/\xb0"):
            connection.send(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual([reply.status for reply in connection.replies], [404] * 4)
        self.assertEqual([reply.error["code"] for reply in connection.replies], ["unknown_url"] * 4)

    def test_no_redirects(self) -> None:
        """No path is answered with a redirect, which clients would follow without their body."""
        for target in ("//v1//models", "/v1/models//", "/healthz//"):
            self.assertEqual(self.get(target).status, 200, target)


class MethodTests(RouteTestCase):
    """Methods."""

    ALLOWED = (
        ("/v1/chat/completions", "POST"),
        ("/v1/completions", "POST"),
        ("/v1/responses", "GET, HEAD, POST"),  # GET is a WebSocket's, see websocket.test_handshake
        ("/v1/models", "GET, HEAD"),
        ("/v1/models/gemini-2.5-pro", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
    )

    def test_wrong(self) -> None:
        """A wrong method is 405 in JSON and names those that are right."""
        for path, allowed in self.ALLOWED:
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"):
                if method in allowed.split(", "):
                    continue
                reply = self.front.ask(method, path).reply
                self.assertEqual((reply.status, reply.error["code"]), (405, "method_not_allowed"), (method, path))
                self.assertEqual(reply.headers["allow"], allowed)
                self.assertIn(method, reply.error["message"])

    def test_head(self) -> None:
        """HEAD of a route that has none is 405 without a body, and the connection goes on."""
        connection = self.front.ask("HEAD", "/v1/responses")
        self.assertTrue(connection.received.startswith(b"HTTP/1.1 405 "))
        self.assertTrue(connection.received.endswith(b"\r\n\r\n"))
        connection.ask("GET", "/healthz")
        self.assertTrue(connection.received.endswith(b'{"status":"ok"}'))
