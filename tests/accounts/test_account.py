"""Who is asked, and under which name that is told."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account, ApiKey

URL = "https://upstream.example"


class IdTests(SynchronousTestCase):
    """The opaque id of an account."""

    def test_stable(self) -> None:
        """The same account has the same id whenever it is made."""
        first, second = (Account.of_key("ann@example.com", URL, "key-one") for _ in range(2))
        self.assertEqual(first.id, second.id)
        self.assertRegex(first.id, r"\Aacct_[0-9a-f]{12}\Z")

    def test_opaque(self) -> None:
        """Who guesses the address cannot confirm the guess: without the key the id cannot be made."""
        self.assertNotEqual(
            Account.of_key("ann@example.com", URL, "key-one").id, Account.of_key("ann@example.com", URL, "key-two").id
        )

    def test_distinct(self) -> None:
        """Address and upstream tell accounts with the same key apart, wherever one field ends."""
        made = [("ann", URL), ("bob", URL), ("ann", URL + "/b"), ("", URL), ("", "ann" + URL), ("ann" + URL, "")]
        self.assertEqual(len({Account.of_key(email, url, "key").id for email, url in made}), len(made))


class CredentialTests(SynchronousTestCase):
    """How an account proves itself."""

    def test_header(self) -> None:
        """A key goes into Google's header, not into the URL."""
        self.assertEqual(ApiKey("made-up-key").headers(), (("x-goog-api-key", "made-up-key"),))

    def test_hidden(self) -> None:
        """Neither a credential nor its account shows the key when it is written to a log."""
        account = Account.of_key("ann@example.com", URL, "made-up-key")
        self.assertNotIn("made-up-key", repr(account) + str(account.credential))
