"""The projects of Code Assist accounts: asked for once, for as long as they are the same account's."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account
from agd.accounts.credentials import RefreshToken
from agd.errors import UpstreamFailure
from agd.upstream.projects import Projects
from tests.accounts.keys import proven, refresh_token

URL = "https://tokens.example/token"


class ProjectsTests(SynchronousTestCase):
    """What is remembered of whom."""

    def setUp(self) -> None:
        """Let each refresh token have a project of its own."""
        self.asked: list[str] = []
        self.projects = Projects(self.ask)
        self.account = evolve(proven(refresh_token(URL, "1//one")), id="acct_named", kind="code-assist")

    async def ask(self, account: Account) -> bytes:
        """Name the project after the token."""
        assert isinstance(account.credential, RefreshToken)
        name = account.credential.refresh_token.rpartition("/")[2]
        self.asked.append(name)
        return b'{"cloudaicompanionProject": "p-%s"}' % name.encode() if name != "none" else b"{}"

    def project_of(self, account: Account) -> str:
        """Return an account's project, which is there at once."""
        return self.successResultOf(Deferred.fromCoroutine(self.projects.placed(account))).project

    def test_once(self) -> None:
        """It is asked for once, and again when it was refused or the account has gone."""
        self.assertEqual([self.project_of(self.account) for _ in range(3)], ["p-one"] * 3)
        self.projects.keep_only([self.account])
        self.project_of(self.account)
        self.assertEqual(self.asked, ["one"])
        self.projects.forget(self.account)
        self.project_of(self.account)
        self.projects.keep_only([])
        self.project_of(self.account)
        self.assertEqual(self.asked, ["one"] * 3)

    def test_another_credential(self) -> None:
        """An account that keeps its id and gets the credential of somebody else has that one's project."""
        self.project_of(self.account)
        other = evolve(self.account, credential=refresh_token(URL, "1//two"))
        self.projects.keep_only([other])
        self.assertEqual((self.project_of(other), self.asked), ("p-two", ["one", "two"]))

    def test_none(self) -> None:
        """Where none is named everybody who waits is told, and the next one asks anew."""
        account = evolve(self.account, credential=refresh_token(URL, "1//none"))
        for _ in range(2):
            self.failureResultOf(Deferred.fromCoroutine(self.projects.placed(account)), UpstreamFailure)
        self.assertEqual(self.asked, ["none", "none"])
