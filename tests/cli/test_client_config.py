"""``agd client-config`` and the recipes it prints."""

from __future__ import annotations

import json
import os
import shlex
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.cli.client_config import KEY_VARIABLE, MODEL
from agd.cli.recipes import NO_KEY, RECIPES, Target, codex
from tests.cli.test_main import CommandTestCase

README = Path(__file__).parents[2] / "README.md"
SECRET = "sk-made-up-and-not-to-be-shown"
LOCAL = "http://127.0.0.1:8045/v1"
NAMES = {"codex", "openai-python", "openai-node", "aider", "opencode", "continue", "cline", "langchain"}
KEYED = Target(LOCAL, MODEL, "SOME_KEY")
OPEN = Target(LOCAL, MODEL, None)
# What a model's name can be: text without control characters.
words = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=30)


class CommandTests(CommandTestCase):
    """The command."""

    def printed(self, client: str, *options: str) -> str:
        """Run the command and return what it printed."""
        self.out.seek(0)
        self.out.truncate()
        self.assertEqual(self.agd("client-config", client, *options), 0, self.err.getvalue())
        return self.out.getvalue()

    def provider(self, *options: str) -> Any:
        """Return Codex's table of the provider."""
        return tomllib.loads(self.printed("codex", *options))["model_providers"]["agd"]

    def test_every_client(self) -> None:
        """Every client is served, and its text names the address, the model and no key."""
        self.assertEqual(set(RECIPES), NAMES)
        os.environ["AGD_API_KEY"] = SECRET
        path = self.file('[proxy]\nport = 9000\nauth_mode = "strict"\n')
        for client in NAMES:
            text = self.printed(client, "--config", path)
            for wanted in ("http://127.0.0.1:9000/v1", MODEL, "AGD_API_KEY"):
                self.assertIn(wanted, text, client)
            self.assertNotIn(SECRET, text, client)

    def test_unknown_client(self) -> None:
        """An unknown client is wrong usage, and the known ones are told."""
        self.assertEqual(self.agd("client-config", "typewriter"), 2)
        self.assertIn("codex", self.err.getvalue())

    def test_no_configuration(self) -> None:
        """Without a configuration agd listens on this machine and wants no key."""
        provider = self.provider()
        self.assertEqual(provider["base_url"], LOCAL)
        self.assertNotIn("env_key", provider)

    def test_key_variable(self) -> None:
        """The variable is the one that the configuration reads its key from, else one name of agd's."""
        os.environ["MINE"] = SECRET
        for key, variable in (('"env:MINE"', "MINE"), (f'"{SECRET}"', KEY_VARIABLE)):
            path = self.file(f'[proxy]\nauth_mode = "strict"\napi_key = {key}\n')
            self.assertEqual(self.provider("--config", path)["env_key"], variable)

    def test_several_keys(self) -> None:
        """Which of several keys the client has cannot be known, so none of their variables is named."""
        os.environ.update(ONE=SECRET, TWO=SECRET + "2")
        keys = '[[proxy.api_keys]]\nname = "a"\nkey = "env:ONE"\n[[proxy.api_keys]]\nname = "b"\nkey = "env:TWO"\n'
        path = self.file('[proxy]\nauth_mode = "strict"\n' + keys)
        self.assertEqual(self.provider("--config", path)["env_key"], KEY_VARIABLE)

    def test_beyond_this_machine(self) -> None:
        """Where others can reach agd a key is wanted; this machine's clients still find it on loopback."""
        path = self.file(f'[proxy]\nallow_lan_access = true\napi_key = "{SECRET}"\n')
        provider = self.provider("--config", path)
        self.assertEqual((provider["base_url"], provider["env_key"]), (LOCAL, KEY_VARIABLE))

    def test_options(self) -> None:
        """Address, model and variable can be said; an address without /v1 gets it."""
        for url in ("https://agd.example/v1/", "https://agd.example"):
            text = self.printed("codex", "--base-url", url, "--model", "gpt-5.5", "--key-env", "OTHER")
            found = tomllib.loads(text)
            self.assertEqual(found["model"], "gpt-5.5")
            provider = found["model_providers"]["agd"]
            self.assertEqual((provider["base_url"], provider["env_key"]), ("https://agd.example/v1", "OTHER"))

    def test_default_model(self) -> None:
        """The configuration's default model is the one to write."""
        path = self.file('[proxy]\ndefault_model = "gemini-2.5-pro"\n')
        self.assertEqual(tomllib.loads(self.printed("codex", "--config", path))["model"], "gemini-2.5-pro")

    def test_websocket(self) -> None:
        """Codex is told whether agd takes a WebSocket."""
        path = self.file("[proxy]\nwebsocket = false\n")
        for options, wanted in (((), True), (("--config", path), False)):
            self.assertIs(self.provider(*options)["supports_websockets"], wanted)

    def test_bad_options(self) -> None:
        """What would not be safe to paste is refused, and a key given for its variable is not repeated."""
        for options in (
            ("--key-env", SECRET),
            ("--base-url", f"https://user:{SECRET}@agd.example"),
            ("--base-url", "ftp://agd.example"),
            ("--base-url", "http://x/$(id)"),
            ("--model", "a b"),
        ):
            self.assertEqual(self.agd("client-config", "codex", *options), 2, options)
        self.assertNotIn(SECRET, self.err.getvalue())
        self.assertEqual(self.out.getvalue(), "")

    def test_any_port(self) -> None:
        """Port 0 tells no address, so one must be said."""
        path = self.file("[proxy]\nport = 0\n")
        self.assertEqual(self.agd("client-config", "codex", "--config", path), 1)
        self.assertIn("--base-url", self.err.getvalue())
        self.assertEqual(self.provider("--config", path, "--base-url", "http://127.0.0.1:7")["base_url"][-4:], "7/v1")

    def test_wrong_configuration(self) -> None:
        """A wrong configuration is told as agd check tells it."""
        path = self.file("zzz = 1\n")
        self.assertEqual(self.agd("client-config", "codex", "--config", path), 1)
        self.assertIn(f"{path}: zzz", self.err.getvalue())


class RecipeTests(SynchronousTestCase):
    """Each client's format; client_tests run those whose client can be had."""

    @given(words)
    def test_codex(self, model: str) -> None:
        """Codex gets TOML with a provider that speaks Responses, whatever the model is called."""
        found = tomllib.loads(codex(Target(LOCAL, model, "SOME_KEY")))
        self.assertEqual((found["model"], found["model_provider"]), (model, "agd"))
        self.assertEqual(
            found["model_providers"],
            {
                "agd": {
                    "name": "agd",
                    "base_url": LOCAL,
                    "env_key": "SOME_KEY",
                    "wire_api": "responses",
                    "supports_websockets": True,
                }
            },
        )

    def test_codex_without_websocket(self) -> None:
        """Codex is told not to try a WebSocket that agd refuses."""
        found = tomllib.loads(codex(Target(LOCAL, MODEL, None, websocket=False)))
        self.assertIs(found["model_providers"]["agd"]["supports_websockets"], False)

    @given(words)
    def test_opencode(self, model: str) -> None:
        """Opencode gets JSON that reads the key from the environment."""
        found = json.loads(RECIPES["opencode"](Target(LOCAL, model, "SOME_KEY")))
        provider = found["provider"]["agd"]
        self.assertEqual(provider["options"], {"baseURL": LOCAL, "apiKey": "{env:SOME_KEY}"})
        self.assertEqual((list(provider["models"]), found["model"]), ([model], f"agd/{model}"))

    @given(words)
    def test_shell(self, model: str) -> None:
        """What goes into a shell is one word for each value, whatever the model is called."""
        target = Target(LOCAL, model, "SOME_KEY")
        *_, setup = RECIPES["cline"](target).splitlines()
        self.assertEqual(shlex.split(setup)[4:], ["-k", "$SOME_KEY", "-m", model, "-b", LOCAL])
        *_, start = RECIPES["aider"](target).splitlines()
        self.assertEqual(shlex.split(start), ["aider", "--model", f"openai/{model}"])

    def test_python(self) -> None:
        """The Python texts are programs, with a key and without."""
        for client in ("openai-python", "langchain"):
            for target in (KEYED, OPEN):
                compile(RECIPES[client](target), client, "exec")

    def test_without_a_key(self) -> None:
        """Where agd wants no key, a word stands for it that says so; Codex goes without."""
        for client, recipe in RECIPES.items():
            self.assertIn("SOME_KEY", recipe(KEYED), client)
            self.assertEqual(NO_KEY in recipe(OPEN), client != "codex", client)
            self.assertNotIn("None", recipe(OPEN), client)

    def test_readme(self) -> None:
        """The README shows what ``agd client-config codex`` prints without a configuration."""
        shown = README.read_text("utf-8").partition("agd client-config codex")[2].partition("```toml\n")[2]
        self.assertEqual(shown.partition("```")[0], codex(OPEN))
