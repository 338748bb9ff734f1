"""llm, the command: https://llm.datasette.io."""

from __future__ import annotations

import json
from typing import Any

from client_tests.clients import (
    CLASSIC,
    CLIENT_KEY,
    INVOICE,
    READ_OUT,
    SIGNED,
    TALK,
    TWO_CITIES,
    WEATHER,
    ClientTestCase,
)

FUNCTION = '''
def get_weather(city: str, days: int) -> str:
    """Tell the weather of a city for some days."""
    return f"{days} days of rain in {city}"
'''


class LlmTests(ClientTestCase):
    """The command, configured as its documentation says: ``extra-openai-models.yaml`` and ``keys.json``."""

    def setUp(self) -> None:
        """Write the configuration."""
        super().setUp()
        models = [self.entry(model) for model in (CLASSIC, SIGNED)]
        (self.folder / "extra-openai-models.yaml").write_text(json.dumps(models), "utf-8")
        (self.folder / "keys.json").write_text(json.dumps({"agd": CLIENT_KEY}), "utf-8")

    def entry(self, model: str) -> dict[str, Any]:
        """Return a model of the configuration (JSON is YAML); ``my-`` because llm knows some names by itself."""
        kinds = {"supports_tools": True, "supports_schema": True}
        return {
            "model_id": f"my-{model}",
            "model_name": model,
            "api_base": self.base_url,
            "api_key_name": "agd",
            "responses": self.surface == "responses",
            **kinds,
        }

    def llm(self, model: str, *words: str) -> str:
        """Run ``llm -m MODEL`` and return what it printed."""
        return self.run_client(["llm", "-m", f"my-{model}", *words], {"LLM_USER_PATH": str(self.folder)})

    def last_operation(self) -> str:
        """Return what the upstream was asked last."""
        operation: str = self.simulator.record["calls"][-1]["op"]
        return operation

    def test_plain(self) -> None:
        """``--no-stream`` prints the text as agd wrote it."""
        printed = self.llm(CLASSIC, "--no-stream", TALK)
        self.assertEqual(printed, self.said(CLASSIC, TALK) + "\n")

    def test_stream(self) -> None:
        """Without it the text is streamed, and the same."""
        printed = self.llm(SIGNED, TALK)
        self.assertEqual(self.last_operation(), "streamGenerateContent")
        self.assertEqual(printed, self.said(SIGNED, TALK) + "\n")

    def assert_functions_go_round(self, *words: str) -> None:
        """One call goes round, and two that come together do."""
        for model, text in ((CLASSIC, WEATHER), (SIGNED, TWO_CITIES)):
            printed = self.llm(model, *words, "--functions", FUNCTION, text)
            self.assert_results_arrived(text, printed)

    def test_tools(self) -> None:
        """``--functions`` makes the round of tools with plain answers."""
        self.assert_functions_go_round("--no-stream")

    def test_stream_tools(self) -> None:
        """It does so with streams."""
        self.assert_functions_go_round()
        self.assertEqual(self.last_operation(), "streamGenerateContent")

    def test_schema(self) -> None:
        """``--schema`` prints JSON of that shape."""
        schema = {
            "type": "object",
            "properties": {
                "customer": {"type": "string"},
                "total": {"type": "number"},
                "items": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["customer", "total", "items"],
        }
        self.assertEqual(json.loads(self.llm(CLASSIC, "--schema", json.dumps(schema), INVOICE)), READ_OUT)


class LlmResponsesTests(LlmTests):
    """The same with ``responses: true`` in the configuration."""

    surface = "responses"
