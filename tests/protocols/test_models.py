"""Tests of agd.protocols.models."""

from __future__ import annotations

from openai.types import Model
from twisted.trial.unittest import SynchronousTestCase

from agd.protocols.models import model_list
from tests.protocols.schemas import validate


class ModelTests(SynchronousTestCase):
    """The list of models."""

    def test_list(self) -> None:
        """The list keeps its order and every entry is a Model."""
        listed = model_list(["b", "a"], 5)
        self.assertEqual([Model.model_validate(entry).id for entry in listed["data"]], ["b", "a"])
        self.assertEqual(listed["data"][0], {"id": "b", "object": "model", "created": 5, "owned_by": "google"})

    def test_schema(self) -> None:
        """The list fits OpenAI's schema."""
        validate("ListModelsResponse", model_list(["x"], 1))
