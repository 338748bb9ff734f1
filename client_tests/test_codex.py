"""Codex, the command: https://developers.openai.com/codex, version 0.169.

How a turn came is seen in agd's log.
"""

from __future__ import annotations

from client_tests import codex, codex_conversations
from client_tests.codex import shell
from client_tests.codex_conversations import DONE, GREETING

_POSTED, _OPENED, _TURN = "POST /v1/responses", "GET /v1/responses 101", "WS /v1/responses 200"


class CodexHttpTests(codex_conversations.CodexConversations):
    """Codex that was told to use HTTP."""

    def test_posts(self) -> None:
        """Each turn is a request."""
        self.simulator.cue({"calls": [shell("true")]}, {"text": DONE})
        self.completed(self.codex("Do it"))
        self.assertEqual(self.log.count(_POSTED), 2)


class CodexWebSocketTests(codex_conversations.CodexConversations):
    """Codex that was told to use a WebSocket, as agd does unless its setting is off."""

    websocket = True

    def test_does_not_post(self) -> None:
        """All turns go over one socket, a warm-up before them, and agd does not take them for something unknown."""
        self.simulator.cue({"calls": [shell("true")]}, {"text": DONE})
        told = self.completed(self.codex("Do it"))
        self.assertEqual((told.said, told.errors), ([DONE], []))
        self.assertEqual((self.log.count(_OPENED), self.log.count(_TURN), self.log.count(_POSTED)), (1, 3, 0), self.log)
        self.assertNotIn("unknown parameter", self.log)


class CodexRefusedWebSocketTests(codex.CodexTestCase):
    """Codex that was told to use a WebSocket where agd's setting is off."""

    settings = codex.CodexTestCase.settings + "websocket = false\n"
    websocket = True

    def test_falls_back(self) -> None:
        """The refusal is clean: Codex goes over to HTTP at once, and the turn is as any other."""
        self.simulator.cue({"calls": [shell("echo one > 1.txt")]}, {"text": GREETING})
        told = self.completed(self.codex("Say hello"))
        self.assertEqual(told.said, [GREETING])
        self.assertEqual((self.work / "1.txt").read_text(), "one\n")
        self.assertEqual(self.log.count(_POSTED), 2)


class CodexWithoutKeyTests(codex.CodexTestCase):
    """Codex where agd wants no key."""

    settings = ""
    websocket = True
    variable = None

    def test_needs_none(self) -> None:
        """Codex is told of no key, and asks for none."""
        self.simulator.cue({"text": GREETING})
        told = self.completed(self.codex("Say hello"))
        self.assertEqual((told.said, told.errors), ([GREETING], []))
