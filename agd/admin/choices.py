"""Why a name means a model, and why one account and not another would be asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from attrs import asdict, frozen

from agd.accounts.session import key_of
from agd.admin.routes import Question, Route
from agd.conversation.session import KINDS
from agd.gateway import Gateway
from agd.gateway.trail import LOCAL


@frozen
class Choices:
    """``now`` is the pool's clock."""

    gateway: Gateway
    now: Callable[[], float]

    def routes(self) -> Iterable[Route]:
        """``GET /explain?model=…&session=…&owner=…``, ``GET /models``."""
        yield Route("GET", "/explain", self._explain)
        yield Route("GET", "/models", self._models)

    def _explain(self, question: Question) -> object:
        """Tell the rules and the accounts. Raises ``GatewayError`` 404 where the name leads nowhere."""
        name, known = question.text("model"), self.gateway.catalogue.known
        router = self.gateway.router
        model = router.resolve(name, known)
        session = self._session(question.maybe("session"), question.maybe("owner") or LOCAL, model)
        told = self.gateway.pool.explain(model, session, self.now())
        rules = [{"rule": step.rule, "target": step.target} for step in router.trace(name, known)]
        return {"asked": name, "rules": rules, "listed": model in known, **asdict(told)}

    def _models(self, _: Question) -> object:
        """Tell every name that works, what it leads to, and how many accounts may be asked for that."""
        router, known = self.gateway.router, self.gateway.catalogue.known
        accounts = self.gateway.pool.accounts
        listed = []
        for name in router.names(known):
            model = router.resolve(name, known)
            serving = sum(account.terms.serves(model) for account in accounts)
            listed.append({"name": name, "model": model, "accounts": serving})
        return {"models": listed}

    def _session(self, session: str | None, owner: str, model: str) -> str | None:
        """Return the conversation's key for what a client says of it, in whichever of the ways it may be said."""
        if session is None:
            return None
        keys = list(_keys(session, owner))
        find = self.gateway.pool.sessions.find
        return next((key for key in keys if find(key, model) is not None), keys[0])


def _keys(session: str, owner: str) -> Iterator[str]:
    yield session  # the key itself, as the log has it
    for kind in KINDS:
        yield key_of(owner, f"{kind}:{session}")
