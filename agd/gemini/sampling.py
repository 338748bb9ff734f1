"""How tokens are drawn, and where drawing ends. Absent stays absent; what is sent is what the client wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Notice, Sampling
from agd.errors import BadRequest
from agd.gemini.models import Family
from agd.options import Options


@define
class SamplingWriter:
    """Writes the sampling of one request.

    ``notices`` collects what was done otherwise than asked; ``stops`` are the stop strings that the provider is not
    told, since it takes so few, and that have to be found in the answer.
    """

    _family: Family
    _options: Options
    notices: list[Notice] = field(factory=list)
    stops: tuple[str, ...] = ()

    def write(self, sampling: Sampling, thinking: Mapping[str, Any]) -> dict[str, Any]:
        """Return members of ``generationConfig``; ``thinking`` is the ``thinkingConfig`` beside them.

        Raises ``BadRequest`` for what the model does not take, where the options want that refused.
        """
        config = {
            "temperature": sampling.temperature,
            "topP": sampling.top_p,
            "topK": sampling.top_k,
            "maxOutputTokens": self._max_tokens(sampling.max_tokens, thinking),
            "stopSequences": self._stops(sampling.stop),
            "seed": self._seed(sampling.seed),
            "presencePenalty": self._penalty("presence_penalty", sampling.presence_penalty),
            "frequencyPenalty": self._penalty("frequency_penalty", sampling.frequency_penalty),
            **self._logprobs(sampling),
        }
        return {key: value for key, value in config.items() if value is not None}

    def _max_tokens(self, asked: int | None, thinking: Mapping[str, Any]) -> int | None:
        if asked is None:
            return None
        most = self._family.max_output
        if most is not None and asked > most:
            if self._options.excessive_max_tokens == "reject":
                raise BadRequest(f"{asked} is more tokens than the model gives, which is {most}.", "max_tokens")
            self.notices.append(Notice("max_tokens", f"{asked} is more than the model gives: {most} was sent"))
            return most
        roomy = self._with_headroom(asked, thinking)
        if roomy != asked:
            self.notices.append(
                Notice("max_tokens", f"{roomy} was sent instead of {asked}, to leave room for thoughts")
            )
        return roomy

    def _with_headroom(self, asked: int, thinking: Mapping[str, Any]) -> int:
        """Return a limit that leaves room for thoughts, which count as output.

        Where no budget is sent the model thinks as much as it likes, so that only its maximum leaves room.
        """
        budget: int = thinking.get("thinkingBudget", -1)
        most = self._family.max_output
        if self._options.thinking_headroom == "none" or self._family.thinking is None or budget == 0 or most is None:
            return asked
        if self._options.thinking_headroom == "raise_to_model_max" or budget < 0:
            return most
        return min(asked + budget, most)

    def _stops(self, asked: tuple[str, ...]) -> list[str] | None:
        """Send as many stop strings as the provider takes.

        The longest go to the provider: to find a stop string in an answer, as much text as it has characters must be
        held back, so the short ones cost a stream the least.
        """
        stops, most = [stop for stop in dict.fromkeys(asked) if stop], self._family.stops
        if len(stops) <= most:
            return stops or None
        if self._options.many_stops == "reject":
            raise BadRequest(f"At most {most} stop strings can be used, not {len(stops)}.", "stop")
        longest = set(sorted(stops, key=len, reverse=True)[:most])
        self.stops = tuple(stop for stop in stops if stop not in longest)
        return [stop for stop in stops if stop in longest] or None

    def _seed(self, asked: int | None) -> int | None:
        """Fold a seed into int32, which the provider's field is; equal seeds stay equal."""
        if asked is None:
            return None
        seed = (asked + 2**31) % 2**32 - 2**31
        if seed != asked:
            self.notices.append(Notice("seed", f"{asked} does not fit into 32 bits: {seed} was sent"))
        return seed

    def _penalty(self, param: str, asked: float | None) -> float | None:
        if self._family.penalties:
            return asked
        if asked and self._options.unsupported_penalties == "reject":
            raise BadRequest("The model takes no penalties.", param)
        if asked:
            self.notices.append(Notice(param, "not sent: this model refuses penalties"))
        return None

    def _logprobs(self, sampling: Sampling) -> dict[str, Any]:
        if not sampling.logprobs:
            if sampling.top_logprobs is not None:
                raise BadRequest("top_logprobs needs logprobs.", "top_logprobs")
            return {}
        most, asked = self._family.logprobs, sampling.top_logprobs
        if most == 0:
            raise BadRequest("The model gives no logprobs.", "logprobs")
        if asked is not None and asked > most:
            self.notices.append(Notice("top_logprobs", f"{asked} is more than the model gives: {most} was sent"))
        # One is the least that the field takes; the tokens themselves come without it.
        return {"responseLogprobs": True, "logprobs": min(asked, most) if asked else None}
