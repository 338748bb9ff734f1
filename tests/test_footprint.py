"""What an idle daemon does without, and that nobody misses it."""

from __future__ import annotations

import sys
from subprocess import run

from twisted.trial.unittest import SynchronousTestCase

UNUSED = (
    "prometheus_client",
    "agd.gateway.inquiry",
    "agd.conversation",
    "agd.protocols.chat",
    "agd.responses",
    "wsproto",
)


class IdleTests(SynchronousTestCase):
    """A process of its own that has loaded what a daemon loads at the start."""

    def after(self, code: str) -> str:
        """Run code behind the import and return what it prints."""
        command = [sys.executable, "-c", f"import agd.tap, sys\n{code}"]
        return run(command, capture_output=True, text=True, check=True).stdout.strip()

    def test_what_requests_take(self) -> None:
        """What only requests take is not loaded."""
        self.assertEqual(self.after(f"print([name for name in {UNUSED} if name in sys.modules])"), "[]")

    def test_fields_by_name(self) -> None:
        """The fields of an attrs class are found by their names, and in order."""
        code = "import attrs; from agd.accounts.terms import Terms as T; f = attrs.fields(T)\n"
        self.assertEqual(
            self.after(f"{code}print(f.weight.default, f[1].name, hasattr(f, 'nothing'))"), "1.0 priority False"
        )

    def test_places_are_free_again(self) -> None:
        """Whoever wants the parts of a library that agd does not use gets them."""
        code = "from werkzeug.test import Client; from werkzeug.wrappers import Request; import msgspec.inspect as i\n"
        self.assertEqual(
            self.after(f"{code}print(Client.__name__, Request.__name__, i.IntType.__name__)"), "Client Request IntType"
        )
