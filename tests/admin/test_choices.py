"""Explaining over the admin socket."""

from __future__ import annotations

from typing import Any

from agd.accounts.session import key_of
from agd.admin.choices import Choices
from agd.daemon import Daemon
from tests.admin.sockets import Asker
from tests.test_daemon import ACCOUNTS, BASE, DaemonTestCase

RULES = '[proxy.custom_mapping]\n"my-*" = "gpt-4o"\n"gpt-4o" = "gemini-2.5-pro"\n'


class ChoicesTests(DaemonTestCase):
    """``Choices``."""

    def ask(self, path: str, rules: str = RULES) -> tuple[int, Any]:  # type: ignore[override]
        """Ask a daemon with two accounts."""
        self.daemon: Daemon = self.build(BASE + rules + ACCOUNTS)
        return self.again(path)

    def again(self, path: str) -> tuple[int, Any]:
        """Ask the same daemon."""
        return Asker([Choices(self.daemon.gateway, lambda: 5.0)]).get(path)

    def test_rules(self) -> None:
        """Every rule on the way is told as the configuration has it, and what it leads to."""
        code, told = self.ask("/explain?model=my-model")
        self.assertEqual((code, told["asked"], told["model"]), (200, "my-model", "gemini-2.5-pro"))
        self.assertEqual(
            [(step["rule"], step["target"]) for step in told["rules"]],
            [
                ('proxy.custom_mapping."my-*"', "gpt-4o"),
                ('proxy.custom_mapping."gpt-4o"', "gemini-2.5-pro"),
            ],
        )

    def test_builtin_and_default(self) -> None:
        """So are agd's own rules, a name that is meant as it stands, and the default model."""
        _, told = self.ask("/explain?model=gpt-4.1", "")
        self.assertTrue(told["rules"][0]["rule"].startswith('built in: "gpt-4.1'))
        _, told = self.again("/explain?model=gemini-2.5-pro")
        self.assertEqual(told["rules"], [{"rule": "the provider's own name", "target": "gemini-2.5-pro"}])
        _, told = self.ask("/explain?model=what", '[proxy]\ndefault_model = "gemini-2.5-pro"\n')
        self.assertEqual(told["rules"][0], {"rule": "proxy.default_model", "target": "gemini-2.5-pro"})

    def test_unknown(self) -> None:
        """A name that leads nowhere is a 404, as it is for a client."""
        code, told = self.ask("/explain?model=what")
        self.assertEqual((code, told["error"]["code"]), (404, "model_not_found"))

    def test_accounts(self) -> None:
        """Every account is told, the one that would be asked first, with a reason each."""
        _, told = self.ask("/explain?model=gpt-4o")
        self.assertEqual([each["chosen"] for each in told["considered"]], [True, False])
        self.assertTrue(all(each["why"] for each in told["considered"]))

    def test_session(self) -> None:
        """A conversation is found by what its client says of it, for its owner, or by its key."""
        self.ask("/explain?model=gpt-4o")
        pool = self.daemon.gateway.pool
        second = pool.accounts[1]
        key = key_of("key:ann", "key:chat-7")
        pool.sessions.assign(key, "gemini-2.5-pro", second.id)
        for path in (f"session={key}", "session=chat-7&owner=key:ann"):
            _, told = self.again(f"/explain?model=gpt-4o&{path}")
            self.assertEqual(told["considered"][0]["email"], second.email, path)
            self.assertEqual(told["considered"][0]["why"], "its conversation is there")
        _, told = self.again("/explain?model=gpt-4o&session=chat-7")
        self.assertNotEqual(told["considered"][0]["email"], second.email)

    def test_models(self) -> None:
        """Every name that works is told with the model that it leads to and how many accounts serve that."""
        code, told = self.ask("/models")
        self.assertEqual(code, 200)
        self.assertIn({"name": "gpt-4o", "model": "gemini-2.5-pro", "accounts": 2}, told["models"])
