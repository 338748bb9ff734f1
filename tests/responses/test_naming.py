"""Errors about the conversation, which name what the client wrote."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred

from agd.errors import BadRequest, GatewayError
from agd.gateway import Trail
from tests.responses.stage import ANN, EngineTestCase


class NamingTests(EngineTestCase):
    """Whatever is asked for."""

    def failed(self, work: Coroutine[Deferred[Any], Any, Any], param: str | None = "messages") -> str | None:
        """Let the gateway refuse what is asked, and return the field that the client is told."""
        made = self.start(work)
        self.asked().fail(BadRequest("It is too long.", param))
        error: GatewayError = self.failureResultOf(made, GatewayError).value
        return error.param

    def test_input(self) -> None:
        """The conversation is ``input`` here, in every way to ask."""
        body = {"model": "mine", "input": "hi"}
        self.assertEqual(self.failed(self.begin().whole()), "input")
        self.assertEqual(self.failed(self.begin(stream=True).open()), "input")
        self.assertEqual(self.failed(self.engine.compact(body, ANN, Trail("req_1"))), "input")
        trigger = [{"role": "user", "content": "hi"}, {"type": "compaction_trigger"}]
        self.assertEqual(self.failed(self.begin(input=trigger).whole()), "input")

    def test_messages(self) -> None:
        """A body that was written for chat has ``messages``."""
        turn = self.begin(input=None, messages=[{"role": "user", "content": "hi"}])
        self.assertEqual(self.failed(turn.whole()), "messages")

    def test_others(self) -> None:
        """Other fields keep their names, and no field is made up."""
        for param in ("temperature", None):
            self.assertEqual(self.failed(self.begin().whole(), param), param)
