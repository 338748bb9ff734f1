"""The list of models in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def model_object(name: str, created: int) -> dict[str, Any]:
    """Write one ``Model``; ``created`` in unix seconds."""
    return {"id": name, "object": "model", "created": created, "owned_by": "google"}


def model_list(names: Iterable[str], created: int) -> dict[str, Any]:
    """Write ``ListModelsResponse`` in the order given."""
    return {"object": "list", "data": [model_object(name, created) for name in names]}
