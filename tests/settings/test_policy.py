"""What the settings amount to."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import ConfigurationError
from agd.settings import check_auth, effective_auth_mode, warnings
from tests.settings.configurations import SOURCE, read

LAN = "proxy.allow_lan_access = true\n"
ACCOUNT = '[[accounts]]\napi_key = "k"\n'


class AuthTests(SynchronousTestCase):
    """Which requests need a key."""

    def test_auto(self) -> None:
        """auto is off only when nothing but this machine can reach agd."""
        self.assertEqual(effective_auth_mode(read(), loopback_only=True), "off")
        self.assertEqual(effective_auth_mode(read(), loopback_only=False), "all_except_health")
        self.assertEqual(effective_auth_mode(read(LAN), loopback_only=True), "all_except_health")

    def test_explicit(self) -> None:
        """A mode that is written down is the mode, whoever can reach agd."""
        for mode in ("off", "strict", "all_except_health"):
            settings = read(f'proxy.auth_mode = "{mode}"')
            self.assertEqual(effective_auth_mode(settings, loopback_only=False), mode)

    def test_no_key(self) -> None:
        """Wanting a key and having none is an error at proxy.api_key."""
        with self.assertRaises(ConfigurationError) as caught:
            check_auth(read(LAN), True, SOURCE)
        [found] = caught.exception.problems
        self.assertEqual((caught.exception.source, found.path), (SOURCE, "proxy.api_key"))

    def test_enough(self) -> None:
        """A key of either form, or no need of one, is no error."""
        check_auth(read(), True, SOURCE)
        check_auth(read('proxy.auth_mode = "off"'), False, SOURCE)
        check_auth(read(LAN + 'proxy.api_key = "k"'), True, SOURCE)
        check_auth(read(LAN + 'proxy.api_keys = [{name = "ann", key = "k"}]'), True, SOURCE)


class ExposeAccountTests(SynchronousTestCase):
    """How answers name the account."""

    def test_default(self) -> None:
        """Only this machine sees e-mail addresses unless told otherwise."""
        self.assertEqual(read().effective_expose_account(True), "email")
        self.assertEqual(read().effective_expose_account(False), "id")
        self.assertEqual(read(LAN).effective_expose_account(True), "id")

    def test_explicit(self) -> None:
        """What is written down holds everywhere."""
        self.assertEqual(read(LAN + 'proxy.expose_account = "email"').effective_expose_account(False), "email")
        self.assertEqual(read('proxy.expose_account = "off"').effective_expose_account(True), "off")


class WarningTests(SynchronousTestCase):
    """What the user should know."""

    def test_none(self) -> None:
        """A sound configuration warns of nothing; nor does the example key on this machine."""
        self.assertEqual(warnings(read(ACCOUNT), True), ())
        self.assertEqual(warnings(read('proxy.api_key = "sk-antigravity"\n' + ACCOUNT), True), ())

    def test_example_key(self) -> None:
        """The example key is warned of, in either form, as soon as another machine can reach agd."""
        single = 'proxy.api_key = "sk-antigravity"\n'
        several = 'proxy.api_keys = [{name = "ann", key = "sk-antigravity"}]\n'
        for text, loopback_only in ((LAN + single, True), (LAN + several, True), (single, False)):
            [warning] = warnings(read(text + ACCOUNT), loopback_only)
            self.assertIn("sk-antigravity", warning)

    def test_open_to_everybody(self) -> None:
        """No authentication beyond this machine is warned of, on it not."""
        [warning] = warnings(read(LAN + 'proxy.auth_mode = "off"\n' + ACCOUNT), False)
        self.assertIn("anybody", warning)
        self.assertEqual(warnings(read('proxy.auth_mode = "off"\n' + ACCOUNT), True), ())

    def test_no_accounts(self) -> None:
        """An empty pool is warned of."""
        [warning] = warnings(read(), True)
        self.assertIn("no accounts", warning)


class PinTests(SynchronousTestCase):
    """Pins that pin nothing."""

    def test_unknown_name(self) -> None:
        """A pin to an address that no account has is told; one to an account, or to an id, is not."""
        text = (
            '[proxy.scheduling.pinned]\na = "ann@example.com"\nb = "bob@example.com"\nc = "acct_0123456789ab"\n'
            '[[accounts]]\napi_key = "k"\nemail = "ann@example.com"\n'
        )
        [told] = warnings(read(text), True)
        self.assertIn('pinned."b" names "bob@example.com"', told)
