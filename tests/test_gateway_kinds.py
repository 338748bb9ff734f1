"""Accounts of different kinds behind one gateway: tokens that are refused, dialects that a request crosses."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve

from agd.accounts.account import Account
from agd.accounts.pool import Pool
from agd.accounts.verdict import Blame
from agd.conversation import Message, Prompt, Text, Tool, ToolCall, ToolResult
from agd.errors import BadRequest
from agd.gateway.plan import make_plan
from agd.options import DEFAULT
from agd.upstream.grants import dead
from tests.accounts.keys import proven, refresh_token
from tests.gateways import MODEL, GatewayTestCase, prompt
from tests.upstream.script import refusal
from tests.upstream.wire import account

REFUSED_TOKEN = refusal(401, grpc="UNAUTHENTICATED", reason="ACCESS_TOKEN_EXPIRED")


def called(model: str = MODEL) -> Prompt:
    """Make a prompt with a call and its result in it."""
    call, result = ToolCall("call_1", "look", "{}"), ToolResult("call_1", (Text("found"),))
    turns = (Message("user", (Text("hi"),)), Message("assistant", (call,)), Message("user", (result,)))
    return Prompt(model, turns, tools=(Tool("look"),))


class TokenTests(GatewayTestCase):
    """Accounts that tokens prove."""

    def setUp(self) -> None:
        super().setUp()
        self.gateway.renew = self.renew_tokens
        self.dead: set[str] = set()
        credential = refresh_token("https://tokens.example/token")
        self.gateway.pool = Pool.of([proven(credential, name=name) for name in ("one", "two", "three")])

    def renew_tokens(self, account: Account) -> Account | None:
        """Say that there may be another token, unless the credential is dead."""
        self.renewed.append(account.email.partition("@")[0])
        return None if self.renewed[-1] in self.dead else account

    def test_K14_one_forced_refresh(self) -> None:
        """A refused token has another one got, once, uncounted, and nobody is blamed when that is good."""
        self.actor.lines["one"] = [REFUSED_TOKEN]
        self.assertEqual(self.answered_by(), "one")
        self.assertEqual((self.actor.asked, self.renewed), (["one", "one"], ["one"]))
        self.assertEqual((self.trail.attempts, self.witness.punishments), (1, []))

    def test_K14_then_rotate(self) -> None:
        """When the fresh token is refused as well the account is out; the next one has a refresh of its own."""
        self.actor.lines = {"one": [REFUSED_TOKEN] * 2, "two": [REFUSED_TOKEN]}
        self.assertEqual(self.answered_by(), "two")
        self.assertEqual(self.renewed, ["one", "two"])
        self.assertEqual(self.witness.punishments, [("one", Blame.DISABLE)])

    def test_dead_grant(self) -> None:
        """An account whose grant is revoked is out, with the reason, and the request is another one's."""
        failure = dead("invalid_grant", "invalid_grant: Bad Request")
        self.actor.lines["one"] = [failure]
        self.dead.add("one")
        self.assertEqual(self.answered_by(), "two")
        self.assertEqual(self.witness.punishments, [("one", Blame.DISABLE)])
        self.assertIn("get a new one", self.trail.failures[0])


class DialectTests(GatewayTestCase):
    """A request that crosses dialects."""

    def setUp(self) -> None:
        super().setUp()
        self.vertex = evolve(account("two"), kind="vertex", project="p", location="global")
        self.gateway.pool = Pool.of([account("one"), self.vertex, account("three")])

    def sent(self) -> list[Any]:
        """Return the bodies that were sent, decoded."""
        return [json.loads(call[2].body) for call in self.actor.calls]

    def test_B05_written_anew(self) -> None:
        """When rotation crosses dialects the prompt is written for the other; on the same dialect nothing changes."""
        self.actor.lines = {"one": [refusal(500)], "two": [refusal(500)]}
        self.successResultOf(self.complete(called()))
        self.assertEqual(self.actor.asked, ["one", "two", "three"])
        first, second, third = (call[2] for call in self.actor.calls)
        self.assertIs(first, third)
        ids = ["id" in body["contents"][1]["parts"][0]["functionCall"] for body in self.sent()]
        self.assertEqual(ids, [True, False, True])
        self.assertNotEqual(first.body, second.body)

    def test_notices(self) -> None:
        """What another dialect cannot do is told when it is really asked."""
        self.successResultOf(self.complete(prompt(service_tier="flex", session="user:ann")))
        self.assertEqual(self.trail.notices, ())
        self.successResultOf(self.complete(prompt(service_tier="flex", session="user:bob")))
        self.assertEqual([notice.param for notice in self.trail.notices], ["service_tier"])

    def test_K11_once_each(self) -> None:
        """A call is written once for each dialect, however often it is sent."""
        call = make_plan(called(), MODEL, DEFAULT, {}).calls[0]
        self.assertIs(call.written("gemini"), call.outgoing)
        self.assertIs(call.written("vertex"), call.written("vertex"))

    def test_first_account_decides(self) -> None:
        """A request is planned in the dialect of the first account, so that what it cannot do is told at once."""
        self.gateway.pool = Pool.of([self.vertex])
        self.gateway.dialect = "vertex"
        self.successResultOf(self.complete(prompt(service_tier="flex")))
        self.assertEqual([notice.param for notice in self.trail.notices], ["service_tier"])

    def test_K09_next_region(self) -> None:
        """A model that one region has not is asked for in the next: an account each, of one credential."""
        there = evolve(self.vertex, id="acct_there", email="there@example.com", location="us-central1")
        self.gateway.pool = Pool.of([self.vertex, there])
        self.actor.lines["two"] = [refusal(404, message="Publisher Model `gemini-x` was not found")]
        self.assertEqual(self.answered_by(), "there")
        self.assertEqual(self.answered_by(), "there")

    def test_strict(self) -> None:
        """With strict_parameters a wish that another dialect cannot grant is an error, not a notice."""
        self.gateway.options = evolve(DEFAULT, strict_parameters=True)
        self.gateway.pool = Pool.of([account("one"), self.vertex])
        asked = prompt(service_tier="flex")
        self.actor.lines["one"] = [refusal(500)]
        error = self.failureResultOf(self.complete(asked), BadRequest).value
        self.assertEqual(error.param, "service_tier")
