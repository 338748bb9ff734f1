"""Signatures on the calls of a conversation: seen, remembered, and put back (C02).

A client may return a tool call with its id, name and arguments only; the provider then wants the call's signature
all the same. Signatures are remembered per owner (a client key's tenant) and call, and put back exactly where they
were: never on a call that had none (C04, C08), never across owners.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from agd.conversation import (
    Event,
    Media,
    Message,
    Part,
    Prompt,
    Text,
    Thought,
    ToolCall,
    ToolCallStart,
)
from agd.signatures.store import SignatureStore


def restore(prompt: Prompt, owner: str, store: SignatureStore, now: float) -> Prompt:
    """Return the prompt with the owner's kept signatures on calls that came without; itself when there is none."""
    messages = _restored(prompt.messages, owner, store, now)
    further = tuple(_restored(conversation, owner, store, now) for conversation in prompt.further)
    if messages is prompt.messages and all(new is old for new, old in zip(further, prompt.further, strict=True)):
        return prompt
    return evolve(prompt, messages=messages, further=further)


def observe(events: Iterable[Event], owner: str, store: SignatureStore, now: float) -> None:
    """Remember the signatures of the calls among events. Done before any call is dropped from an answer (B40)."""
    for event in events:
        if isinstance(event, ToolCallStart) and event.signature:
            store.remember(owner, event.id, event.signature, now)


def _restored(messages: tuple[Message, ...], owner: str, store: SignatureStore, now: float) -> tuple[Message, ...]:
    """Return the messages themselves when nothing changes, so that most requests cost one walk."""
    changed: dict[int, Message] = {}
    for index, message in enumerate(messages):
        if message.role == "assistant":
            parts = tuple([_signed(part, owner, store, now) for part in message.parts])
            if any(new is not old for new, old in zip(parts, message.parts, strict=True)):
                changed[index] = evolve(message, parts=parts)
    if not changed:
        return messages
    return tuple(changed.get(index, message) for index, message in enumerate(messages))


def _signed(part: Part, owner: str, store: SignatureStore, now: float) -> Part:
    if not isinstance(part, ToolCall) or part.signature is not None:
        return part
    signature = store.recall(owner, part.id, now)
    return part if signature is None else evolve(part, signature=signature)


def without_signatures(prompt: Prompt) -> Prompt:
    """Return the prompt with no signature in it: those of another account or back end are refused (C10)."""
    return evolve(
        prompt,
        messages=tuple(evolve(message, parts=tuple(map(_unsigned, message.parts))) for message in prompt.messages),
    )


def _unsigned(part: Part) -> Part:
    return evolve(part, signature=None) if isinstance(part, Text | Media | Thought | ToolCall) else part
