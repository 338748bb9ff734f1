"""How clients are told where agd is: for each of them the text to paste, in the client's own format.

None of them holds a key: it stays in an environment variable, which the text names.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping

from attrs import frozen

NO_KEY = "not-needed"
"""What stands for a key where agd wants none but the client's library does not go without."""


@frozen
class Target:
    """What a client has to know. ``key`` is the environment variable with its key, None where agd wants none.

    ``base_url`` ends in ``/v1``; ``websocket`` tells whether agd takes Responses over a WebSocket.
    """

    base_url: str
    model: str
    key: str | None
    websocket: bool = True


def codex(target: Target) -> str:
    """Write Codex's ``config.toml``: https://developers.openai.com/codex/config-reference, ``model_providers.<id>``."""
    key = [f"env_key = {_quoted(target.key)}"] if target.key else []
    return _lines(
        "# ~/.codex/config.toml: the first two lines belong above every [table]",
        f"model = {_quoted(target.model)}",
        'model_provider = "agd"',
        "",
        "[model_providers.agd]",
        'name = "agd"',
        f"base_url = {_quoted(target.base_url)}",
        *key,
        'wire_api = "responses"',
        f"supports_websockets = {str(target.websocket).lower()}",
    )


def openai_python(target: Target) -> str:
    """Write a program with OpenAI's Python library: https://github.com/openai/openai-python."""
    key = f"os.environ[{_quoted(target.key)}]" if target.key else _quoted(NO_KEY)
    return _lines(
        *(["import os", ""] if target.key else []),
        "import openai",
        "",
        f"client = openai.OpenAI(base_url={_quoted(target.base_url)}, api_key={key})",
        f'response = client.responses.create(model={_quoted(target.model)}, input="Please introduce yourself.")',
        "print(response.output_text)",
    )


def openai_node(target: Target) -> str:
    """Write a module with OpenAI's Node library: https://github.com/openai/openai-node."""
    key = f"process.env[{_quoted(target.key)}]" if target.key else _quoted(NO_KEY)
    return _lines(
        'import OpenAI from "openai";',
        "",
        f"const client = new OpenAI({{ baseURL: {_quoted(target.base_url)}, apiKey: {key} }});",
        "const response = await client.responses.create({",
        f"  model: {_quoted(target.model)},",
        '  input: "Please introduce yourself.",',
        "});",
        "console.log(response.output_text);",
    )


def langchain(target: Target) -> str:
    """Write a program with langchain-openai: https://docs.langchain.com/oss/python/integrations/chat/openai."""
    key = f"os.environ[{_quoted(target.key)}]" if target.key else _quoted(NO_KEY)
    return _lines(
        *(["import os", ""] if target.key else []),
        "from langchain_openai import ChatOpenAI",
        "",
        "llm = ChatOpenAI(",
        f"    model={_quoted(target.model)},",
        f"    base_url={_quoted(target.base_url)},",
        f"    api_key={key},",
        "    use_responses_api=True,",
        ")",
        'print(llm.invoke("Please introduce yourself.").text)',
    )


def aider(target: Target) -> str:
    """Write aider's environment: https://aider.chat/docs/llms/openai-compat.html."""
    key = f'"${target.key}"' if target.key else NO_KEY
    return _lines(
        f"export OPENAI_API_BASE={shlex.quote(target.base_url)}",
        f"export OPENAI_API_KEY={key}",
        f"aider --model {shlex.quote(f'openai/{target.model}')}",
    )


def opencode(target: Target) -> str:
    """Write ``opencode.json``: https://opencode.ai/docs/providers; ``@ai-sdk/openai`` is what speaks Responses."""
    document = {
        "$schema": "https://opencode.ai/config.json",
        "provider": {
            "agd": {
                "npm": "@ai-sdk/openai",
                "name": "agd",
                "options": {"baseURL": target.base_url, "apiKey": f"{{env:{target.key}}}" if target.key else NO_KEY},
                "models": {target.model: {"name": f"{target.model} through agd"}},
            }
        },
        "model": f"agd/{target.model}",
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def continue_(target: Target) -> str:
    """Write Continue's ``config.yaml``: https://docs.continue.dev/reference.

    Its secrets are variables of the IDE's environment or lines of ``~/.continue/.env``.
    """
    key = f"${{{{ secrets.{target.key} }}}}" if target.key else NO_KEY
    return _lines(
        f"# ~/.continue/config.yaml; the key is read from {target.key} in ~/.continue/.env"
        if target.key
        else "# ~/.continue/config.yaml",
        "name: agd",
        "version: 1.0.0",
        "schema: v1",
        "models:",
        f"  - name: {_quoted(f'{target.model} through agd')}",
        "    provider: openai",
        f"    model: {_quoted(target.model)}",
        f"    apiBase: {_quoted(target.base_url)}",
        f"    apiKey: {_quoted(key)}",
        "    roles: [chat, edit, apply]",
    )


def cline(target: Target) -> str:
    """Write the command that sets up Cline's CLI: https://docs.cline.bot; the IDE has the same settings."""
    key = f'"${target.key}"' if target.key else NO_KEY
    return _lines(
        '# In the IDE: API Provider "OpenAI Compatible", then the same base URL, key and model ID.',
        f"cline auth -p openai -k {key} -m {shlex.quote(target.model)} -b {shlex.quote(target.base_url)}",
    )


RECIPES: Mapping[str, Callable[[Target], str]] = {
    "codex": codex,
    "openai-python": openai_python,
    "openai-node": openai_node,
    "aider": aider,
    "opencode": opencode,
    "continue": continue_,
    "cline": cline,
    "langchain": langchain,
}
"""What ``agd client-config`` can write."""


def _quoted(text: str | None) -> str:
    """Return a string that TOML, YAML, Python and JavaScript all read as the same text."""
    return json.dumps(text, ensure_ascii=False)


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"
