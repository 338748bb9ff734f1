"""The list of client keys, wherever they come from, and what is done to it while agd runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import define, evolve, field
from twisted.logger import Logger

from agd.allowance import Allowance
from agd.clientele.standing import described
from agd.errors import BadRequest, GatewayError
from agd.keys.key import ALLOWED_NAMES, Guest, StoredKey, digest_of, is_name, mint, owner_of
from agd.keys.turnstile import Turnstile
from agd.settings import Settings
from agd.store.clients import ClientStore, Kept

_log = Logger("agd")


def _nothing() -> None:
    """What is done about other keys where nobody wants to know."""


@define(eq=False)
class Clientele:
    """All keys. ``changed`` is called whenever other keys than before open the door.

    A key of the configuration comes before one of the store with the same name, which then opens nothing: two keys of
    one name would be one owner with two sets of limits. ``now`` gives unix seconds.
    """

    turnstile: Turnstile
    _store: ClientStore
    _now: Callable[[], float]
    _random: Callable[[int], bytes] = field(repr=False)
    changed: Callable[[], object] = _nothing
    _configured: tuple[tuple[str | None, bytes, Allowance], ...] = field(default=(), init=False)
    _stored: dict[str, StoredKey] = field(factory=dict, init=False)
    _in_the_making: set[str] = field(factory=set, init=False)

    # ------------------------------------------------------------------ what the list is made of

    def configure(self, settings: Settings) -> None:
        """Take the keys of a configuration. The one key has a name in logs only, and no limits."""
        one = settings.proxy.api_key
        self._configured = tuple(
            (None if client.key is one else client.name, digest_of(client.key.reveal()), client.allowance)
            for client in settings.client_keys
        )
        self._look_again()

    def load(self, kept: Kept) -> None:
        """Take what the store has kept from earlier runs."""
        self._stored = {key.name: key for key in kept.keys}
        self.turnstile.restore(kept.spent)
        self._look_again()

    def guests(self) -> Mapping[bytes, Guest]:
        """Return who comes with which key, by its digest. A key that is over is among them, a revoked one is not."""
        stored = {key.digest: Guest(key.name, key.allowance.expires) for key in self._valid()}
        return stored | {digest: Guest(name, terms.expires) for name, digest, terms in self._configured}

    # ------------------------------------------------------------------ what is done to it

    async def create(self, name: str, allowance: Allowance) -> tuple[str, StoredKey]:
        """Make a key, keep what is kept of it, and return both. Raises ``GatewayError`` and ``StoreError``.

        The name of a revoked key may be used again: it is the same owner, with the same stored responses and the same
        budgets.
        """
        if not is_name(name):
            raise BadRequest(f"A key's name is {ALLOWED_NAMES}", "name", "invalid_name")
        known = self._stored.get(name)
        configured = name in self._names()
        if configured or name in self._in_the_making or (known is not None and known.revoked is None):
            way = "in the configuration: take" if configured else "already: revoke it first, or take"
            message = f"There is a key named {name} {way} another name"
            raise GatewayError(409, message, param="name", code="key_exists")
        key = mint(self._random)
        made = StoredKey(name, digest_of(key), int(self._now()), None, allowance)
        self._in_the_making.add(name)
        try:
            await self._keep(made)
        finally:
            self._in_the_making.discard(name)
        return key, made

    async def revoke(self, name: str) -> StoredKey:
        """Let a key open nothing from now on; what runs goes on. Raises ``GatewayError`` and ``StoreError``."""
        known = self._stored.get(name)
        if known is None:
            raise GatewayError(404, self._no_such(name), param="name", code="key_not_found")
        revoked = known if known.revoked is not None else evolve(known, revoked=int(self._now()))
        # One that is revoked already, too: where the disk failed then, a restart would bring it back.
        await self._keep(revoked)
        return revoked

    def listing(self) -> Iterator[dict[str, Any]]:
        """Yield what is to be told of each key, those of the configuration first."""
        now = self._now()
        for name, _, allowance in self._configured:
            status = "expired" if allowance.has_ended(now) else "active"
            yield described(name, allowance, self.turnstile, now, source="configuration", status=status)
        for key in sorted(self._stored.values(), key=lambda each: each.name):
            yield self.told(key)

    def told(self, key: StoredKey) -> dict[str, Any]:
        """Return what is to be told of a key of the store."""
        now = self._now()
        is_shadowed = key.revoked is None and key.name in self._names()
        status = "shadowed" if is_shadowed else key.status(now)
        told = described(key.name, key.allowance, self.turnstile, now, source="store", status=status)
        return {**told, "created": key.created, "revoked": key.revoked}

    # ------------------------------------------------------------------ within

    async def _keep(self, key: StoredKey) -> None:
        """Put a key in place once it is on disk. One that is revoked is put in place first: nobody waits for a disk."""
        if key.revoked is not None:
            self._put(key)
        await self._store.save(key)
        if key.revoked is None:
            self._put(key)

    def _look_again(self) -> None:
        for name in self._shadowed():
            _log.warn("the key {name} of the store opens nothing: the configuration has one of that name", name=name)
        self._apply()

    def _put(self, key: StoredKey) -> None:
        self._stored[key.name] = key
        self._apply()

    def _apply(self) -> None:
        named = {owner_of(name): allowance for name, _, allowance in self._configured if name is not None}
        self.turnstile.allow({key.owner: key.allowance for key in self._valid()} | named)
        self.changed()

    def _names(self) -> set[str]:
        return {name for name, _, _ in self._configured if name is not None}

    def _valid(self) -> Iterable[StoredKey]:
        taken = self._names()
        return (key for key in self._stored.values() if key.revoked is None and key.name not in taken)

    def _shadowed(self) -> list[str]:
        taken = self._names()
        return sorted(key.name for key in self._stored.values() if key.revoked is None and key.name in taken)

    def _no_such(self, name: str) -> str:
        if name in self._names():
            return f"The key {name} stands in the configuration: take it out there and reload"
        return f"There is no key named {name[:64]}"
