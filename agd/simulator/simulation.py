"""The simulated provider: its accounts, its models, its manner of speaking, what is to go wrong and what happened."""

from __future__ import annotations

import hashlib
from typing import Any
from weakref import WeakSet

from attrs import define, field
from attrs.validators import ge, min_len

from agd.simulator.catalogue import MODELS
from agd.simulator.chunks import Answer
from agd.simulator.cues import CueBook
from agd.simulator.faults import FaultBook
from agd.simulator.ledger import Ledger
from agd.simulator.office import Office
from agd.simulator.pace import Pace, steered
from agd.simulator.requests import read_body, read_request
from agd.simulator.rpc_status import Refused, Status, error_info, invalid_argument
from agd.simulator.speech import prompt_tokens, speak

_UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)


@define
class Simulator:
    """One simulated Gemini API. Pauses are in seconds, ``words`` is the usual length of an answer."""

    keys: tuple[str, ...] = field(default=("sim-key-1", "sim-key-2"), validator=min_len(1))
    models: tuple[str, ...] = MODELS
    words: int = field(default=40, validator=ge(1))
    chunk_words: int = field(default=4, validator=ge(1))
    chunk_seconds: float = field(default=0.03, validator=ge(0))
    first_chunk_seconds: float = field(default=0.1, validator=ge(0))
    faults: FaultBook = field(factory=FaultBook, init=False)
    cues: CueBook = field(factory=CueBook, init=False)
    ledger: Ledger = field(factory=Ledger, init=False)
    office: Office = field(factory=Office, init=False)
    project: str = "simulated-project"
    """What ``loadCodeAssist`` names, "" for nothing."""
    lookups: int = field(default=0, init=False)
    """How often it was asked."""
    stale: WeakSet[object] = field(factory=WeakSet, init=False)
    """Connections that look alive and will be closed at the next request on them."""

    def bearer(self, token: str, now: float) -> str:
        """Give the account key that an access token stands for. Raises ``Refused`` (401) for one that is not good."""
        key = self.office.key_of(token, now)
        if key is None:
            details = (error_info("ACCESS_TOKEN_TYPE_UNSUPPORTED" if not token else "ACCESS_TOKEN_EXPIRED"),)
            # Google does not repeat the token; the simulator does, to see what becomes of it.
            words = f"Request had invalid authentication credentials ({token}). Expected OAuth 2 access token."
            raise Refused(Status(401, "UNAUTHENTICATED", words, details))
        return key

    def admit(self, key: str | None, key_in_query: bool) -> int:
        """Give the index of an account key. Raises ``Refused`` as the API does, and for a key in the query."""
        if key_in_query:
            raise invalid_argument("The simulator takes the key in the x-goog-api-key header only, not as ?key=.")
        if key is None:
            raise Refused(Status(403, "PERMISSION_DENIED", _UNREGISTERED))
        if key not in self.keys:
            words = "API key not valid. Please pass a valid API key."
            raise invalid_argument(words, error_info("API_KEY_INVALID"))
        return self.keys.index(key)

    def served(self, model: str) -> None:
        """Raise ``Refused`` (404) unless ``model`` is served."""
        if model not in self.models:
            words = (
                f"models/{model} is not found for API version v1beta, or is not supported for generateContent. Call "
                "ListModels to see the list of available models and their supported methods."
            )
            raise Refused(Status(404, "NOT_FOUND", words))

    def answer(self, model: str, data: bytes) -> tuple[Answer, Pace]:
        """Answer a request body. Raises ``Refused``."""
        asked = read_request(read_body(data), model)
        pace = Pace(self.words, self.chunk_words, self.chunk_seconds, self.first_chunk_seconds)
        for turn in reversed(asked.turns):
            if turn.role == "user" and turn.text():
                pace = steered(turn.text(), pace)
                break
        name = hashlib.sha256(model.encode() + data).hexdigest()[:20]
        return Answer(speak(asked, pace.words, name), model, name), pace

    def count(self, model: str, request: dict[str, Any]) -> int:
        """Count the tokens of a request as its answer would report them. Raises ``Refused``."""
        self.served(model)
        return prompt_tokens(read_request(request, model))
