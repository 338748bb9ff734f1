"""Why this account and not another."""

from __future__ import annotations

from agd.accounts.explanation import Considered, Explanation
from agd.accounts.scheduling import Mode
from agd.accounts.standing import Pause
from agd.errors import Cause
from tests.accounts.pools import PoolCase, account

A, B, C = map(account, "abc")


class ExplanationTests(PoolCase):
    """explain."""

    def told(self, now: float = 0.0, session: str | None = None) -> dict[str, Considered]:
        """Explain a request for ``m``; return what is told by the first letter of the accounts' addresses."""
        return {each.email[0]: each for each in self.explain(now, session).considered}

    def explain(self, now: float = 0.0, session: str | None = None) -> Explanation:
        """Explain a request for ``m``."""
        return self.pool.explain("m", session, now)

    def test_says_what_is_done(self) -> None:
        """Who is said to be chosen is chosen, for the reason told, in every mode; asking changes nothing."""
        for mode in Mode:
            self.make(A, account("b", weight=2), C, mode=mode)
            for turn in range(12):
                session = f"s{turn % 5}"
                for _ in range(2):
                    chosen = self.explain(0, session).chosen
                lease = self.take(session=session)
                assert chosen is not None
                self.assertEqual((chosen.email, chosen.why), (lease.account.email, lease.why))
                if turn % 2:
                    lease.release()

    def test_order(self) -> None:
        """First who is chosen, then who else can be asked in their order, then the others by when they are back."""
        self.make(*map(account, "abcdef"))
        self.asked()
        self.rest("c", 60)
        self.rest("d", 30)
        self.lose(self.take(tried={each.id for each in self.pool.accounts if each.email[0] != "e"}), Cause.KEY_INVALID)
        found = self.explain()
        self.assertEqual("".join(each.email[0] for each in found.considered), "bfadce")
        self.assertEqual([each.wait for each in found.considered], [0, 0, 0, 30, 60, None])
        self.assertEqual(found.wait, 0)

    def test_everybody_rests(self) -> None:
        """When nobody can be asked nobody is chosen, and it says when somebody can."""
        self.make(A, B)
        self.rest("a", 60)
        self.rest("b", 30)
        found = self.explain()
        self.assertEqual((found.chosen, found.wait), (None, 30))

    def test_reasons(self) -> None:
        """Each thing that keeps an account from being asked has its words, and a hint where something can be done."""
        self.make(
            A,
            account("b", models=("x*",)),
            account("c", max_concurrency=1),
            account("d"),
            account("e"),
            account("f", priority=-5),
        )
        others = {each.id: each for each in self.pool.accounts}
        by_letter = {each.email[0]: each for each in others.values()}

        def only(letter: str) -> set[str]:
            return set(others) - {by_letter[letter].id}

        self.take(tried=only("c"))
        self.lose(self.take(tried=only("d")), Cause.DAY_QUOTA, retry_after=7200.0, message="Used up.")
        self.lose(self.take(tried=only("e")), Cause.KEY_EXPIRED, code=400, message="API key expired.")
        told = self.told(10)
        self.assertEqual(told["a"].why, "it has had the fewest turns for its weight")
        self.assertEqual(told["b"].why, "its models are x*")
        self.assertEqual(told["c"].why, "it carries as much as it may: 1 requests")
        words = "it rests for m for 7190 s more: the quota of the day is used up (429 Used up.)"
        self.assertEqual((told["d"].why, told["d"].wait), (words, 7190))
        self.assertEqual(told["e"].why, "its credential was refused: 400 API key expired.")
        self.assertEqual(told["f"].why, "it can be asked, and comes later: its priority is -5")
        self.assertEqual([letter for letter in "abcdef" if told[letter].hint], ["b", "c", "e"])
        self.pool.pause(by_letter["a"].id, Pause.DISABLED, "sold")
        self.assertEqual(self.told(10)["a"].why, "it is disabled by the operator: sold")

    def test_trial(self) -> None:
        """An account that a request is trying says so."""
        self.make(A)
        self.rest("a", 7200)
        self.take(900)
        self.assertIn("it rests for m a request is trying it now", self.told(900)["a"].why)

    def test_upstream(self) -> None:
        """An upstream that fails every request is told as the reason of all its accounts."""
        self.make(A, B)
        for _ in range(10):
            self.lose(self.take(), Cause.UNREACHABLE, code=502, message="refused")
        told = self.told(1)
        self.assertEqual((told["a"].why, told["b"].wait), ("its upstream fails: 502 refused", 4))

    def test_conversation(self) -> None:
        """A conversation's account is told as that, and so is that it is waited for."""
        self.make(A, B, mode=Mode.CACHE_FIRST)
        self.asked(session="s")
        self.asked(session="t")
        self.asked(session="t")
        self.assertEqual(self.told(0, "t")["b"].why, "its conversation is there")
        self.rest("b", 30)
        found = self.told(0, "t")
        self.assertTrue(found["b"].why.endswith("; the conversation is there, and it is waited for"))
        self.assertFalse(found["a"].chosen)

    def test_pin(self) -> None:
        """A pin is named."""
        self.make(A, B, pinned=(("m", B.email),))
        found = self.explain()
        self.assertEqual((found.pinned, found.mode), (B.email, "balance"))
        self.assertEqual(found.chosen and found.chosen.why, "pinned to the model")
