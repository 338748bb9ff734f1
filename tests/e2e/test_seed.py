"""The user's own tutorial, step by step: its commands and its script as they are written there, but for the port."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import Any

from tests.e2e.exchange import Reply, ask, chat
from tests.e2e.processes import run
from tests.e2e.stage import StagedTestCase

STEP_1_HEALTH = "curl -s http://127.0.0.1:8045/healthz"
STEP_1_MODELS = "curl -s http://127.0.0.1:8045/v1/models"
STEP_2 = """
import openai

client = openai.OpenAI(
    api_key="sk-antigravity",
    base_url="http://127.0.0.1:8045/v1",
)

response = client.chat.completions.create(
    model="gemini-3-flash",
    messages=[{"role": "user", "content": "Hallo, stelle dich bitte kurz vor"}],
)

print(response.choices[0].message.content)
"""
STEP_3 = """curl -N http://127.0.0.1:8045/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "gemini-3-flash",
    "stream": true,
    "messages": [
      {"role": "user", "content": "Erkläre in drei Sätzen, was ein lokaler Reverse-Proxy-Gateway ist"}
    ]
  }'"""
STEP_4 = r"""curl -s http://127.0.0.1:8045/v1/responses \
  -H "Content-Type: application/json" \
  -d '{
    "model": "gemini-3-flash",
    "instructions": "Du bist ein strenger Code-Prüfer.",
    "input": "Bitte weise auf den wahrscheinlichsten Bug im folgenden Code hin:\n\nfunction add(a, b) { return a - b }"
  }'"""
STEP_5 = """curl -i http://127.0.0.1:8045/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "hallo"}]
  }'"""


class TutorialTests(StagedTestCase):
    """Steps 1 to 5, the checkpoint, and what the tutorial says about paths and the pool."""

    accounts = 4

    def shell(self, command: str) -> str:
        """Run a command of the tutorial and return what the terminal shows."""
        command = command.replace("8045", str(self.port))
        done = run(["/bin/sh", "-c", command], self.stage.daemon.child.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def script(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the tutorial."""
        text = text.replace("8045", str(self.port))
        return run([sys.executable, "-c", text], self.stage.daemon.child.folder)

    def test_step_1_health(self) -> None:
        """``/healthz`` gives the literal status."""
        self.assertEqual(self.shell(STEP_1_HEALTH), '{"status":"ok"}')

    def test_step_1_models(self) -> None:
        """``/v1/models`` gives a list whose data is an array of models."""
        listed = json.loads(self.shell(STEP_1_MODELS))
        self.assertEqual(listed["object"], "list")
        self.assertEqual({model["object"] for model in listed["data"]}, {"model"})
        names = [model["id"] for model in listed["data"]]
        self.assertIn("gpt-4o", names)
        self.assertIn("gemini-2.5-flash", names)
        self.assertFalse([name for name in names if "*" in name])

    def test_step_2_sdk(self) -> None:
        """The script prints the model's text and nothing goes to stderr."""
        done = self.script(STEP_2)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('You wrote "Hallo, stelle dich bitte kurz vor"', done.stdout)
        self.assertIn("gemini-3-flash-preview", self.simulator.last["path"])

    def test_step_3_stream(self) -> None:
        """The terminal shows lines that begin with ``data: {`` and, at the end, ``data: [DONE]``."""
        lines = [line for line in self.shell(STEP_3).split("\n") if line]
        self.assertGreater(len(lines), 3)
        self.assertEqual({line[:7] for line in lines[:-1]}, {"data: {"})
        self.assertEqual(lines[-1], "data: [DONE]")

    def test_step_3_content_type(self) -> None:
        """The stream is declared as one, as clients of OpenAI's protocol rely on."""
        reply = ask(self.port, "/v1/chat/completions", chat("hallo", stream=True))
        self.assertEqual(reply.headers["content-type"], "text/event-stream; charset=utf-8")
        self.assertTrue(reply.is_done)

    def test_step_4_responses(self) -> None:
        """The reply is a Response that also holds ``choices[0].message.content``."""
        reply = json.loads(self.shell(STEP_4))
        self.assertEqual((reply["object"], reply["status"]), ("response", "completed"))
        self.assertEqual(reply["instructions"], "Du bist ein strenger Code-Prüfer.")
        (message,) = (item for item in reply["output"] if item["type"] == "message")
        text = reply["choices"][0]["message"]["content"]
        self.assertEqual(message["content"][0]["text"], text)
        self.assertIn("Bitte weise auf den wahrscheinlichsten Bug", text)

    def test_step_4_keeps_both_texts(self) -> None:
        """Instructions and input both reach the upstream, unchanged and in their places."""
        self.shell(STEP_4)
        body = self.simulator.last["body"]
        self.assertEqual(body["systemInstruction"]["parts"], [{"text": "Du bist ein strenger Code-Prüfer."}])
        (content,) = body["contents"]
        self.assertEqual(content["role"], "user")
        code = "function add(a, b) { return a - b }"
        asked = f"Bitte weise auf den wahrscheinlichsten Bug im folgenden Code hin:\n\n{code}"
        self.assertEqual(content["parts"], [{"text": asked}])

    def test_step_5_headers(self) -> None:
        """``curl -i`` shows the model really called and the account that answered."""
        head, _, body = self.shell(STEP_5).replace("\r\n", "\n").partition("\n\n")
        lines = head.split("\n")
        self.assertTrue(lines[0].startswith("HTTP/1.1 200"), lines[0])
        self.assertIn("X-Mapped-Model: gemini-2.5-flash", lines)
        self.assertTrue([line for line in lines if line.startswith("X-Account-Email: account")], head)
        self.assertIn("/gemini-2.5-flash:", self.simulator.last["path"])
        self.assertEqual(json.loads(body)["model"], "gpt-4o")

    def test_checkpoint_plain_chat(self) -> None:
        """A chat request without streaming gets ``choices[0].message.content``."""
        reply = ask(self.port, "/v1/chat/completions", chat("hallo"))
        self.assertEqual(reply.status, 200)
        self.assertIn("hallo", reply.json["choices"][0]["message"]["content"])

    def test_wrong_base_url(self) -> None:
        """A client whose base URL lacks ``/v1``, doubles it, or ends in a slash is served all the same."""
        for path in ("/chat/completions", "/v1/v1/chat/completions", "/v1/chat/completions/"):
            self.assertEqual(ask(self.port, path, chat("hallo")).json["object"], "chat.completion", path)

    def test_stacked_path(self) -> None:
        """A stacked path is served by the endpoint that it names last."""
        body = {"model": "gemini-3-flash", "input": "hallo"}
        self.assertEqual(ask(self.port, "/v1/chat/completions/responses", body).json["object"], "response")
        reply = ask(self.port, "/v1/responses/chat/completions", chat("hallo"))
        self.assertEqual(reply.json["object"], "chat.completion")

    def test_any_other_path(self) -> None:
        """Any other path is 404 in OpenAI's shape, and says what the base URL must be."""
        reply = ask(self.port, "/v1/unknown", chat("hallo"))
        self.assertEqual(reply.status, 404)
        self.assertEqual(reply.error["type"], "invalid_request_error")
        self.assertIn("/v1", reply.error["message"])

    def test_auto_is_off_without_lan_access(self) -> None:
        """On this machine only, no key is needed, and a wrong one is not looked at."""
        for headers in ({}, {"Authorization": "Bearer whatever"}):
            self.assertEqual(ask(self.port, "/v1/models", headers=headers).status, 200)

    def test_this_machine_only(self) -> None:
        """Without LAN access only the two loopback addresses are listened on."""
        self.assertRaises(ConnectionRefusedError, ask, self.port, "/healthz", host="127.0.0.2")


class PoolTests(StagedTestCase):
    """What the tutorial says about 429, 503 and 529: at most three attempts, on different accounts."""

    accounts = 4

    def ask_with(self, fault: dict[str, Any]) -> Reply:
        """Ask for an answer while every account has this fault."""
        self.stage.recast()
        for key in self.simulator.keys:
            self.simulator.fault(key, fault)
        return ask(self.port, "/v1/chat/completions", chat("hallo"))

    def test_three_attempts(self) -> None:
        """Each of the three statuses is retried on other accounts, three attempts in all; then it is told."""
        for status, told in ((429, 429), (503, 503), (529, 503)):
            reply = self.ask_with({"kind": "status", "status": status, "retry_delay": 7})
            self.assertEqual(reply.status, told, reply)
            self.assertGreaterEqual(int(reply.headers["retry-after"]), 1)
            self.assertEqual(self.simulator.asked, list(self.simulator.keys[:3]))

    def test_recovers(self) -> None:
        """Each of the three statuses on two accounts is nothing that the client would see."""
        for status in (429, 503, 529):
            self.stage.recast()
            for key in self.simulator.keys[:2]:
                self.simulator.fault(key, {"kind": "status", "status": status, "retry_delay": 7})
            reply = ask(self.port, "/v1/chat/completions", chat("hallo"))
            self.assertEqual(reply.status, 200, reply)
            self.assertTrue(reply.headers["x-account-email"].startswith("account3@"), reply.headers)


class LanTests(StagedTestCase):
    """``allow_lan_access`` makes ``auto`` ask for a key everywhere but on ``/healthz``."""

    settings = '[proxy]\nallow_lan_access = true\napi_key = "sk-e2e-made-up"\n'

    def test_health_is_open(self) -> None:
        """``/healthz`` needs no key."""
        self.assertEqual(ask(self.port, "/healthz").json, {"status": "ok"})

    def test_401(self) -> None:
        """Without a key, and with a wrong one, the answer is 401 in OpenAI's shape."""
        for headers in ({}, {"Authorization": "Bearer sk-wrong"}, {"x-api-key": "sk-wrong"}):
            reply = ask(self.port, "/v1/chat/completions", chat("hallo"), headers)
            self.assertEqual((reply.status, reply.error["code"]), (401, "invalid_api_key"))
            self.assertIn("www-authenticate", reply.headers)
        self.assertEqual(ask(self.port, "/v1/models").status, 401)
        self.assertEqual(self.simulator.asked, [])

    def test_three_headers(self) -> None:
        """Each of the three headers is taken, and none of them goes on to the upstream."""
        for name, value in (
            ("Authorization", "Bearer sk-e2e-made-up"),
            ("x-api-key", "sk-e2e-made-up"),
            ("x-goog-api-key", "sk-e2e-made-up"),
        ):
            reply = ask(self.port, "/v1/chat/completions", chat("hallo"), {name: value})
            self.assertEqual(reply.status, 200, name)
            self.assertNotIn("sk-e2e-made-up", json.dumps(self.simulator.last))

    def test_account_is_not_named(self) -> None:
        """Beyond this machine the header names the account by an opaque id, not by its address."""
        key = {"Authorization": "Bearer sk-e2e-made-up"}
        account = ask(self.port, "/v1/chat/completions", chat("hallo"), key).headers["x-account-email"]
        self.assertTrue(account.startswith("acct_"), account)

    def test_every_interface(self) -> None:
        """It listens on every interface; 127.0.0.2 stands for those that are not the usual one."""
        self.assertEqual(ask(self.port, "/healthz", host="127.0.0.2").status, 200)
        if socket.has_dualstack_ipv6():
            self.assertEqual(ask(self.port, "/healthz", host="::1").status, 200)
