"""The accounts over the admin socket."""

from __future__ import annotations

from typing import Any

from agd.accounts.account import Account
from agd.accounts.standing import Pause
from agd.admin.accounts import ATTEMPT, Accounts
from agd.errors import Cause, StoreError
from tests.accounts.failures import status
from tests.accounts.pools import WALL, PoolCase, account
from tests.admin.sockets import Asker

A, B = account("a", models=("m*",), weight=2.0), account("b")


class AccountsTests(PoolCase):
    """``Accounts``."""

    def setUp(self) -> None:
        self.make(A, B)
        self.kept = 0
        self.full = False
        self.questions: list[Any] = []
        self.failing: set[str] = set()
        self.asker = Asker([Accounts(self.pool, self.models, self.ask, lambda: 10.0, lambda: WALL, self.keep)])

    async def models(self, account: Account) -> list[str]:
        """List models as the provider would."""
        if account.id in self.failing:
            raise status(400, message="API key not valid", reason="API_KEY_INVALID")
        return ["m", "n"]

    async def ask(self, account: Account, model: str, body: Any) -> object:
        """Answer as the provider would."""
        self.questions.append((account.id, model, body))
        return {}

    async def keep(self) -> None:
        """Count."""
        self.kept += 1
        if self.full:
            raise StoreError("the disk is full")

    def test_list(self) -> None:
        """Every account with how it is, what was counted and on which terms; nothing that proves it."""
        self.lose(self.take(tried={B.id}), Cause.MINUTE_QUOTA, 10, retry_after=30.0)
        code, told = self.asker.get("/accounts")
        self.assertEqual(code, 200)
        first, second = told["accounts"]
        self.assertEqual((first["email"], first["condition"], second["condition"]), (A.email, "limited", "ready"))
        self.assertEqual((first["models"], first["weight"]), (["m*"], 2.0))
        self.assertEqual((first["rests"][0]["model"], first["rests"][0]["ends"]), ("m", 30.0))
        self.assertNotIn("made-up", str(told))

    def test_decrees(self) -> None:
        """An account is paused, and brought back, by address or id; it is on disk before that is said."""
        code, told = self.asker.post("/accounts/disable", account=A.email, why="holidays")
        self.assertEqual((code, told["condition"], told["why"], self.kept), (200, "disabled", "holidays", 1))
        self.assertEqual(self.asker.post("/accounts/drain", account=A.id)[1]["condition"], "draining")
        self.assertEqual(self.pool.roster.get(A.id).pause, Pause.DRAINING)  # type: ignore[union-attr]
        self.assertEqual(self.asker.post("/accounts/enable", account=A.id)[1]["condition"], "ready")
        self.assertEqual(self.kept, 3)

    def test_not_on_disk(self) -> None:
        """What holds only until the next start is not told as done."""
        self.full = True
        code, told = self.asker.post("/accounts/disable", account=A.id)
        self.assertEqual((code, told["error"]["code"]), (503, "store_unavailable"))
        self.assertIn("holds until the next start, for it is not on disk: the disk is full", told["error"]["message"])
        self.assertEqual(self.pool.roster.get(A.id).pause, Pause.DISABLED)  # type: ignore[union-attr]

    def test_reset(self) -> None:
        """What is held against an account is forgotten, for one model or for all."""
        self.lose(self.take(tried={B.id}), Cause.MINUTE_QUOTA, 10, retry_after=30.0)
        self.assertEqual(self.asker.post("/accounts/reset", account=A.id, model="x")[1]["condition"], "limited")
        self.assertEqual(self.asker.post("/accounts/reset", account=A.id)[1]["condition"], "ready")

    def test_unknown(self) -> None:
        """An account that is not there, or not named, changes nothing."""
        for action in ("disable", "drain", "enable", "reset", "test"):
            code, told = self.asker.post(f"/accounts/{action}", account="nobody")
            self.assertEqual((code, told["error"]["code"]), (404, "unknown_account"))
            code, told = self.asker.post(f"/accounts/{action}")
            self.assertEqual((code, told["error"]["param"]), (400, "account"))
        self.assertEqual(self.kept, 0)

    def test_why_is_a_line(self) -> None:
        """A reason cannot forge the lines that it is shown in."""
        self.assertEqual(self.asker.post("/accounts/disable", account=A.id, why="a\nb")[0], 400)

    def test_tested(self) -> None:
        """A test asks the provider with that account, and tells what came of it and what to do."""
        code, told = self.asker.post("/accounts/test", account=A.id, model="m")
        self.assertEqual((code, told["ok"], told["models"], told["model"]), (200, True, 2, "m"))
        self.assertEqual(self.questions, [(A.id, "m", ATTEMPT)])
        self.failing.add(B.id)
        _, told = self.asker.post("/accounts/test", account=B.id)
        self.assertEqual((told["ok"], told["cause"]), (False, "key_invalid"))
        self.assertIn("API key not valid", told["problem"])
