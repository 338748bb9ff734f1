"""Finding the first of many strings in a text that comes in pieces (Aho and Corasick, 1975).

One step per character however many strings there are and however the text is cut; runs of text that can begin no
string are passed over by a compiled character class, which costs next to nothing.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

from attrs import define, field


def _first_node() -> list[dict[str, int]]:
    return [{}]


def _root() -> list[int]:
    return [0]


@define(init=False)
class Automaton:
    """The prefixes of all words as nodes; node 0 is the empty prefix.

    ``depth`` is the length of a node's prefix, ``matched`` the length of the longest word that ends there, 0 for none.
    """

    depth: list[int] = field(factory=_root, init=False)
    matched: list[int] = field(factory=_root, init=False)
    _next: list[dict[str, int]] = field(factory=_first_node, init=False)
    _fail: list[int] = field(factory=_root, init=False)
    _starts: re.Pattern[str] = field(init=False)

    def __init__(self, words: Iterable[str]) -> None:
        self.__attrs_init__()
        for word in words:
            self._add(word)
        self._link()
        self._starts = re.compile("[" + "".join(map(re.escape, self._next[0])) + "]" if self._next[0] else r"(?!)")

    def scan(self, node: int, text: str) -> tuple[int, int]:
        """Go on from a node over a text. Return the node reached, and where the first word that ends there ends.

        The end is 0 when no word ended: then the whole text was gone over.
        """
        following, fail, matched = self._next, self._fail, self.matched
        position, size = 0, len(text)
        while position < size:
            if not node:
                found = self._starts.search(text, position)
                if found is None:
                    return 0, 0
                position = found.start()
            letter = text[position]
            while node and letter not in following[node]:
                node = fail[node]
            node = following[node].get(letter, 0)
            position += 1
            if matched[node]:
                return node, position
        return node, 0

    def _add(self, word: str) -> None:
        node = 0
        for letter in word:
            if letter not in self._next[node]:
                self._next[node][letter] = len(self._next)
                self._next.append({})
                self._fail.append(0)
                self.depth.append(self.depth[node] + 1)
                self.matched.append(0)
            node = self._next[node][letter]
        self.matched[node] = len(word)

    def _link(self) -> None:
        """Point every node at the longest other node that its prefix ends with, shorter prefixes first."""
        queue = deque(self._next[0].values())
        while queue:
            node = queue.popleft()
            self.matched[node] = self.matched[node] or self.matched[self._fail[node]]
            for letter, child in self._next[node].items():
                queue.append(child)
                self._fail[child] = self._step(self._fail[node], letter)

    def _step(self, node: int, letter: str) -> int:
        while node and letter not in self._next[node]:
            node = self._fail[node]
        return self._next[node].get(letter, 0)
