"""What is told about text, held until that text is out: citations and probabilities of tokens."""

from __future__ import annotations

from collections import deque

from attrs import define, evolve, field

from agd.conversation import Citation, Event, LogProbs, TokenLogprob


@define
class Notes:
    """The citations and log probabilities of one choice. Offsets are code points of its whole visible text."""

    _choice: int
    _citations: deque[Citation] = field(factory=deque, init=False)
    _tokens: deque[TokenLogprob] = field(factory=deque, init=False)
    _covered: int = field(default=0, init=False)
    """Code points that the tokens given on so far stand for."""

    def cite(self, citation: Citation) -> None:
        """Take a citation."""
        self._citations.append(citation)

    def weigh(self, logprobs: LogProbs) -> None:
        """Take the probabilities of the next tokens of the text."""
        self._tokens += logprobs.tokens

    def release(self, sent: int) -> list[Event]:
        """Return what concerns only the first ``sent`` code points."""
        if not (self._tokens or self._citations):
            return []
        events: list[Event] = self._weighed(sent)
        while self._citations and self._citations[0].end <= sent:
            events.append(self._citations.popleft())
        return events

    def cut(self, end: int) -> list[Event]:
        """Return what concerns the text before ``end``, where it now stops.

        Citations are shortened to it; a token that goes beyond is dropped, or it would tell the stop string after all.
        """
        events = self._weighed(end)
        events += [evolve(cited, end=min(cited.end, end)) for cited in self._citations if cited.start < end]
        self._citations.clear()
        self._tokens.clear()
        return events

    def flush(self) -> list[Event]:
        """Return everything that is held."""
        events: list[Event] = [LogProbs(tuple(self._tokens), self._choice)] if self._tokens else []
        events += self._citations
        self._covered += sum(len(token.token) for token in self._tokens)
        self._citations.clear()
        self._tokens.clear()
        return events

    def _weighed(self, sent: int) -> list[Event]:
        tokens: list[TokenLogprob] = []
        while self._tokens and self._covered + len(self._tokens[0].token) <= sent:
            tokens.append(self._tokens.popleft())
            self._covered += len(tokens[-1].token)
        return [LogProbs(tuple(tokens), self._choice)] if tokens else []
