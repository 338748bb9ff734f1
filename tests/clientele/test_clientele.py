"""The list of client keys, and what is written down of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from attrs import define, field
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from agd.admin.keys import Keys
from agd.allowance import Allowance, read_budgets
from agd.clientele import Bookkeeper, Clientele
from agd.errors import GatewayError, StoreError
from agd.keys.amount import Estimate
from agd.keys.key import Guest, StoredKey, digest_of
from agd.keys.tab import Moment
from agd.keys.turnstile import Spent, Turnstile
from agd.store.clients import ClientStore, Kept, read_all
from agd.store.worker import Worker
from tests.admin.sockets import Asker
from tests.settings.configurations import read
from tests.store.stage import NOW, SlowThread, StoreTestCase

FIXED = 'proxy.api_keys = [{name = "fixed", key = "made-up", rpm = 3, expires = 2030-01-31, budget = "5/day"}]'


class ClienteleTestCase(StoreTestCase):
    """A clientele over a store in memory."""

    def setUp(self) -> None:
        super().setUp()
        self.clients = ClientStore(self.worker)
        self.turnstile = Turnstile()
        self.changes = 0
        numbers = itertools.count(1)
        random: Callable[[int], bytes] = lambda size: bytes([next(numbers)]) * size  # noqa: E731 - a name for it
        self.clientele = Clientele(self.turnstile, self.clients, lambda: NOW, random, self.change)

    def change(self) -> None:
        """Count."""
        self.changes += 1

    def create(self, name: str, **terms: Any) -> str:
        """Make a key."""
        key, _ = self.get(Deferred.fromCoroutine(self.clientele.create(name, Allowance(**terms))))
        return key

    def revoke(self, name: str) -> StoredKey:
        """Revoke one."""
        return self.get(Deferred.fromCoroutine(self.clientele.revoke(name)))

    def refusal(self, asked: Any) -> GatewayError:
        """Return the error of what is refused."""
        error: GatewayError = self.failureResultOf(Deferred.fromCoroutine(asked), GatewayError).value
        return error

    def enters(self, key: str) -> bool:
        """Tell whether a key opens the door."""
        return digest_of(key) in self.clientele.guests()


class ListTests(ClienteleTestCase):
    """Keys that come and go."""

    def test_create(self) -> None:
        """A key opens the door as soon as it is on disk, and is kept as a digest with its terms."""
        key = self.create("ann", rpm=1, expires=NOW + 9.0)
        self.assertEqual(self.clientele.guests(), {digest_of(key): Guest("ann", NOW + 9.0)})
        [kept] = self.query("SELECT name, digest, rpm FROM client_keys")
        self.assertEqual(kept, ("ann", digest_of(key), 1))
        self.assertEqual(self.changes, 1)

    def test_revoke(self) -> None:
        """A revoked key opens nothing and lets nobody through, and may be revoked twice."""
        key = self.create("ann", rpm=1)
        self.assertEqual(self.revoke("ann"), self.revoke("ann"))
        self.assertFalse(self.enters(key))
        with self.assertRaises(GatewayError):
            self.turnstile.admit("key:ann", ("m",), Moment(0, NOW), lambda: Estimate(0, 0))
        self.assertEqual(self.refusal(self.clientele.revoke("eve")).status, 404)

    def test_revoked_where_the_disk_failed(self) -> None:
        """Revoking a key once more puts on disk what could not be put there before."""
        self.create("ann")
        with patch.object(ClientStore, "save", lambda *_: fail(StoreError("full"))):
            self.failureResultOf(Deferred.fromCoroutine(self.clientele.revoke("ann")), StoreError)
        self.revoke("ann")
        self.assertEqual(self.query("SELECT revoked IS NULL FROM client_keys"), [(0,)])

    def test_names(self) -> None:
        """A name stands for one key at a time; that of a revoked one may be used again."""
        first = self.create("ann")
        self.assertEqual(self.refusal(self.clientele.create("ann", Allowance())).code, "key_exists")
        self.assertEqual(self.refusal(self.clientele.create("a nn", Allowance())).param, "name")
        self.revoke("ann")
        second = self.create("ann")
        self.assertEqual((self.enters(first), self.enters(second)), (False, True))

    def test_two_at_once(self) -> None:
        """Of two that make a key of one name at the same time one is refused: no key is shown that opens nothing."""
        thread = SlowThread()
        worker = Worker(thread)
        worker.open(self.database)
        clientele = Clientele(self.turnstile, ClientStore(worker), lambda: NOW, bytes)
        first = Deferred.fromCoroutine(clientele.create("ann", Allowance()))
        self.assertEqual(self.refusal(clientele.create("ann", Allowance())).code, "key_exists")
        self.assertNoResult(first)
        thread.go_on()
        key, _ = self.get(first)
        self.assertIn(digest_of(key), clientele.guests())

    def test_configuration_first(self) -> None:
        """A key of the configuration shuts out one of the store with its name, for as long as it stands there."""
        key = self.create("fixed")
        self.clientele.configure(read(FIXED))
        self.assertEqual((self.enters(key), self.enters("made-up")), (False, True))
        self.assertEqual([each["status"] for each in self.clientele.listing()], ["active", "shadowed"])
        error = self.refusal(self.clientele.create("fixed", Allowance()))
        self.assertEqual(error.code, "key_exists")
        self.assertIn("in the configuration: take another name", error.message)
        self.clientele.configure(read())
        self.assertTrue(self.enters(key))
        self.flushLoggedErrors()

    def test_one_key(self) -> None:
        """The one key of a configuration has no name, so that no key of the store can be taken for it."""
        self.clientele.configure(read('proxy.api_key = "made-up"'))
        self.assertEqual(self.clientele.guests(), {digest_of("made-up"): Guest(None)})
        self.create("default")
        self.assertEqual([each["source"] for each in self.clientele.listing()], ["configuration", "store"])

    def test_load(self) -> None:
        """What the store has kept holds again after a restart, with what was spent."""
        key = self.create("ann", budgets=read_budgets("10/total"))
        self.get(self.clients.spend([Spent("key:ann", "total", "total", 4)]))
        kept: Kept = self.get(self.worker.submit(read_all))
        later = Clientele(Turnstile(), self.clients, lambda: NOW, bytes)
        later.load(kept)
        self.assertEqual(later.guests(), {digest_of(key): Guest("ann")})
        [told] = later.listing()
        self.assertEqual(told["budgets"], [{"period": "total", "tokens": 10, "spent": 4}])

    def test_no_store(self) -> None:
        """A key that cannot be kept does not come to be; one that is revoked is, all the same."""
        key = self.create("ann")
        self.get(self.worker.close())
        self.failureResultOf(Deferred.fromCoroutine(self.clientele.create("bob", Allowance())), StoreError)
        self.failureResultOf(Deferred.fromCoroutine(self.clientele.revoke("ann")), StoreError)
        self.assertFalse(self.enters(key))
        self.assertEqual([each["name"] for each in self.clientele.listing()], ["ann"])


class AdminTests(ClienteleTestCase):
    """The same over the admin socket."""

    def setUp(self) -> None:
        super().setUp()
        self.asker = Asker([Keys(self.clientele, lambda: False, lambda: False)])

    def test_create(self) -> None:
        """The answer to a creation shows the key, this once, and says what keeps it from being of use."""
        terms: dict[str, Any] = {"models": ["gemini-*"], "rpm": 5, "budget": "7/day", "expires": NOW + 5}
        status, made = self.asker.post("/keys/create", name="ann", **terms)
        self.assertEqual((status, made["status"], made["rpm"], made["models"]), (200, "active", 5, ["gemini-*"]))
        self.assertTrue(self.enters(made["key"]))
        self.assertEqual(len(made["warnings"]), 2)
        _, listed = self.asker.get("/keys")
        self.assertNotIn(made["key"], str(listed))
        self.assertNotIn("digest", str(listed))
        self.assertEqual(self.asker.post("/keys/revoke", name="ann")[1]["status"], "revoked")

    def test_wrong(self) -> None:
        """What is no term is refused by its name, and makes no key."""
        for wrong in (
            {"rpm": 0}, {"rpm": True}, {"rpm": "5"}, {"tpm": -1}, {"concurrency": 1.5}, {"rpm": 100_001},
            {"expires": "tomorrow"}, {"expires": 0}, {"expires": True}, {"models": "gpt-4o"}, {"models": [""]},
            {"models": [7]}, {"budget": "5/week"}, {"budget": 5},
        ):  # fmt: skip
            status, answer = self.asker.post("/keys/create", name="ann", **wrong)
            self.assertEqual((status, answer["error"]["param"]), (400, *wrong), wrong)
        self.assertEqual(self.asker.get("/keys"), (200, {"keys": []}))

    def test_store_gone(self) -> None:
        """A store that cannot keep a key is told as it is."""
        self.get(self.worker.close())
        status, answer = self.asker.post("/keys/create", name="ann")
        self.assertEqual((status, answer["error"]["code"]), (503, "store_unavailable"))


@define
class Slate:
    """A store that keeps what is written, or cannot."""

    written: list[tuple[Spent, ...]] = field(factory=list)
    is_full: bool = False

    def spend(self, spent: list[Spent]) -> Deferred[None]:
        """Take it."""
        if self.is_full:
            return fail(StoreError("full"))
        self.written.append(tuple(spent))
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done


class BookkeeperTests(ClienteleTestCase):
    """When what was spent is written down."""

    def setUp(self) -> None:
        super().setUp()
        self.slate, self.time = Slate(), Clock()
        slate: Any = self.slate
        self.books = Bookkeeper(self.turnstile, slate, self.time)
        self.turnstile.changed = self.books.changed
        names = ("key:ann", "key:bob")
        self.turnstile.allow(dict.fromkeys(names, Allowance(budgets=read_budgets("1000/total"))))

    def spend(self, tokens: int, owner: str = "key:ann") -> None:
        """Spend tokens."""
        ticket = self.turnstile.admit(owner, ("m",), Moment(0, NOW), lambda: Estimate(1, 0))
        ticket.settle(tokens, Moment(0, NOW))

    @property
    def tokens(self) -> list[list[int]]:
        """What was written, tokens alone."""
        return [[each.tokens for each in spent] for spent in self.slate.written]

    def test_at_once(self) -> None:
        """The first is written at once, those of the next second together behind it; then no timer is left."""
        for tokens in (5, 6, 7):
            self.spend(tokens)
        self.spend(9, "key:bob")
        self.assertEqual(self.tokens, [[5]])
        self.time.advance(1)
        self.assertEqual(self.tokens, [[5], [18, 9]])
        self.time.advance(1)
        self.assertEqual((len(self.tokens), self.time.getDelayedCalls()), (2, []))

    def test_close(self) -> None:
        """At the end what is not written yet is written."""
        self.spend(5)
        self.spend(6)
        self.get(self.books.close())
        self.assertEqual((self.tokens, self.time.getDelayedCalls()), ([[5], [11]], []))

    def test_full(self) -> None:
        """What could not be written is written as soon as something can be."""
        self.slate.is_full = True
        self.spend(5)
        self.slate.is_full = False
        self.time.advance(1)
        self.assertEqual(self.tokens, [[5]])
