"""OpenAI's own Python SDK as the client."""

from __future__ import annotations

import openai
from openai.types.chat import ChatCompletionMessageParam

from tests.e2e.stage import StagedTestCase

FLASH = "gemini-2.5-flash"


def user(text: str) -> list[ChatCompletionMessageParam]:
    """Return one user message."""
    return [{"role": "user", "content": text}]


class ClientTestCase(StagedTestCase):
    """Tests with an SDK client that does not retry, so that every answer is seen."""

    def setUp(self) -> None:
        """Make the client."""
        super().setUp()
        base_url = f"http://127.0.0.1:{self.port}/v1"
        self.client = openai.OpenAI(api_key="sk-e2e-made-up", base_url=base_url, max_retries=0, timeout=20)
        self.addCleanup(self.client.close)
