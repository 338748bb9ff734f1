"""How the tests run a client, and what every client is asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.exchange import ask, chat
from tests.e2e.processes import environment, temporary_folder
from tests.e2e.stage import StagedTestCase

PROJECT = Path(__file__).parents[1]
INSTALLED = Path(os.environ.get("AGD_CLIENTS", PROJECT / ".venv-clients"))
"""The virtual environment of the clients, with Node in it."""
CLIENT_KEY = "sk-clients-made-up"
CLIENT_SECONDS = 120.0
"""How long a client may take; it is there to end a test that hangs, so it is generous."""

CLASSIC, SIGNED = "gpt-4o", "gemini-3-flash"
"""A model of the second generation, and one that wants its calls back with their signatures."""
SIGNER = b64encode(b"agd-simulator:")[:18].decode()
"""What the simulator's own signatures begin with; it takes agd's stand-ins too, but those lose thoughts."""
TALK = "Tell me about the sea"
WEATHER = 'Weather in "Berlin" for 3 days, please'
TWO_CITIES = 'Weather in "Berlin" and "Paris" for 3 and 5 days, in parallel'
INVOICE = 'An invoice of "Ann", one "lamp" for 12.5'
CALLS = {
    WEATHER: [("Berlin", 3)],
    TWO_CITIES: [("Berlin", 3), ("Paris", 5)],
}
"""The calls that these words bring, in order."""
READ_OUT = {"customer": "Ann", "total": 12.5, "items": ["lamp"]}

_QUIET = {
    "DO_NOT_TRACK": "1",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "OTEL_SDK_DISABLED": "true",
    "PYTHONDONTWRITEBYTECODE": "1",
    # Nothing but this machine can be reached: whoever tries meets a proxy that is not there.
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
    "NODE_USE_ENV_PROXY": "1",
}


class ClientTestCase(StagedTestCase):
    """Tests with one simulator and one daemon that wants a key; ``program`` is the client's command.

    ``surface`` is the side of OpenAI's API that a client uses which speaks several: "chat" or "responses";
    ``variables`` are further ones of its environment.
    """

    settings = f'[proxy]\nauth_mode = "strict"\napi_key = "{CLIENT_KEY}"\n'
    program: Sequence[str] = ()
    surface = "chat"
    variables: Mapping[str, str] = {}

    def setUp(self) -> None:
        """Give the client an empty home."""
        super().setUp()
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self._logged = len(self.stage.daemon.child.output)

    def tearDown(self) -> None:
        """See that agd was not surprised."""
        self.assertNotIn("Traceback", self.log)

    @property
    def log(self) -> str:
        """What agd has logged since the test began."""
        return self.stage.daemon.child.output[self._logged :]

    @property
    def base_url(self) -> str:
        """Where the client finds agd."""
        return f"http://127.0.0.1:{self.port}/v1"

    def run_client(self, command: Sequence[str], more: Mapping[str, str] | None = None) -> str:
        """Run a program of the clients' environment and return what it wrote. It must end well, and in time."""
        path = INSTALLED / "bin" / command[0]
        self.assertTrue(path.exists(), f"no {path}: make test-clients installs it")
        done = subprocess.run(
            [str(path), *command[1:]],
            cwd=self.folder,
            env=self._environment(more or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CLIENT_SECONDS,
            check=False,
        )
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}\n{done.stderr}\nagd:\n{self.log}")
        return done.stdout

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        openai = {"OPENAI_BASE_URL": self.base_url, "OPENAI_API_KEY": CLIENT_KEY}
        ours = {"CLIENT_SURFACE": self.surface, "PYTHONPATH": str(PROJECT)}
        return environment(self.folder, {**_QUIET, **openai, **ours, **self.variables, **more})

    def see(self, scenario: str, model: str, text: str) -> Any:
        """Let the client do a scenario and return what it saw."""
        return json.loads(self.run_client([*self.program, scenario, model, text]))

    def said(self, model: str, text: str) -> str:
        """Return what agd answers to the same words without any library."""
        reply = ask(
            self.port, "/v1/chat/completions", chat(text, model=model), {"Authorization": f"Bearer {CLIENT_KEY}"}
        )
        self.assertEqual(reply.status, 200, reply)
        content: str = reply.json["choices"][0]["message"]["content"]
        self.assertIn(text, content)
        return content

    def assert_tools_went_round(self, text: str, seen: Any) -> None:
        """The calls came with their arguments, and the answer knows their results."""
        self.assertEqual(seen["calls"], [["get_weather", {"city": city, "days": days}] for city, days in CALLS[text]])
        self.assert_results_arrived(text, seen["text"])

    def assert_results_arrived(self, text: str, answer: str) -> None:
        """The upstream got its calls back, signed by itself if it signs, with every result, in order."""
        results = [f"{days} days of rain in {city}" for city, days in CALLS[text]]
        last = self.simulator.last
        *_, called, answered = last["body"]["contents"]
        self.assertEqual(
            [part["functionResponse"]["name"] for part in answered["parts"]], ["get_weather"] * len(results)
        )
        for part, result in zip(answered["parts"], results, strict=True):
            self.assertIn(result, json.dumps(part["functionResponse"]["response"]))
            self.assertIn(result, answer)
        if "gemini-3" in last["path"]:
            self.assertTrue(called["parts"][0].get("thoughtSignature", "").startswith(SIGNER), called)
