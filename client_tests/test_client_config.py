"""What ``agd client-config`` prints, put to work: each text is used as it is, with nothing but the key beside it."""

from __future__ import annotations

import json

from agd.cli.recipes import RECIPES, Target
from client_tests.clients import CLIENT_KEY, PROJECT, SIGNED, ClientTestCase

KEY_VARIABLE = "AGD_CLIENT_KEY"
NAME = "I am a gateway."
READ_YAML = "import json, sys, yaml; json.dump(yaml.safe_load(sys.argv[1]), sys.stdout)"


class ClientConfigTests(ClientTestCase):
    """The texts that are programs are run; of those that are files the form is checked. ``test_codex`` has Codex's."""

    # The libraries would take these, and the texts must not need them.
    variables = {"OPENAI_BASE_URL": "", "OPENAI_API_KEY": "", KEY_VARIABLE: CLIENT_KEY}

    def printed(self, client: str) -> str:
        """Return a client's text."""
        return RECIPES[client](Target(self.base_url, SIGNED, KEY_VARIABLE))

    def test_python(self) -> None:
        """The programs of OpenAI's Python library and of LangChain say what the model says."""
        for client in ("openai-python", "langchain"):
            self.simulator.cue({"text": NAME})
            self.assertEqual(self.run_client(["python", "-c", self.printed(client)]), f"{NAME}\n", client)

    def test_node(self) -> None:
        """So does the module of OpenAI's Node library."""
        self.simulator.cue({"text": NAME})
        (self.folder / "introduce.mjs").write_text(self.printed("openai-node"), "utf-8")
        (self.folder / "node_modules").symlink_to(PROJECT / "client_tests" / "node" / "node_modules")
        self.assertEqual(self.run_client(["node", "introduce.mjs"]), f"{NAME}\n")

    def test_continue(self) -> None:
        """Continue's text is YAML with the key as a secret of its own."""
        found = json.loads(self.run_client(["python", "-c", READ_YAML, self.printed("continue")]))
        (model,) = found["models"]
        self.assertEqual((found["schema"], model["provider"], model["model"]), ("v1", "openai", SIGNED))
        self.assertEqual((model["apiBase"], model["apiKey"]), (self.base_url, f"${{{{ secrets.{KEY_VARIABLE} }}}}"))
