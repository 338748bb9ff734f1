"""``agd client-config``: what to paste into a client, made from the configuration that agd would start with."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any
from urllib.parse import urlsplit

from agd.cli.recipes import RECIPES, Target
from agd.errors import ConfigurationError
from agd.launch import Launch, prepare
from agd.settings import Settings, effective_auth_mode

MODEL = "gemini-3-flash"
"""The model that is written where neither the options nor ``proxy.default_model`` name one."""
KEY_VARIABLE = "AGD_CLIENT_KEY"
"""The variable that is named where neither the options nor the configuration name one."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@-]*")


def add_client_config(commands: Any) -> None:
    """Add ``client-config`` to the commands of ``agd``."""
    configuring = commands.add_parser(
        "client-config",
        help="print what to paste into a client: Codex, the OpenAI libraries, editors",
        description=(
            "Print a client's configuration for this agd. No key is printed: the text names the environment variable "
            "that holds it."
        ),
    )
    configuring.add_argument("client", choices=sorted(RECIPES), metavar="CLIENT", help=", ".join(sorted(RECIPES)))
    configuring.add_argument("--config", metavar="FILE", help="default: the one agd would start with")
    configuring.add_argument("--base-url", metavar="URL", type=_base_url, help="default: agd on this machine")
    configuring.add_argument("--model", metavar="NAME", type=_model, help=f"default: default_model, else {MODEL}")
    configuring.add_argument(
        "--key-env",
        metavar="NAME",
        type=_variable,
        help=f"the variable with the client's key; default: the one that holds api_key, else {KEY_VARIABLE}",
    )


def client_config(options: argparse.Namespace) -> int:
    """Print the text and return the exit status: 1 when the configuration is wrong or tells no port."""
    try:
        launch = prepare(options.config)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    base_url = options.base_url or _own_address(launch.settings)
    if base_url is None:
        print("the configured port is 0, any free one: say where agd is with --base-url", file=sys.stderr)
        return 1
    model = options.model or launch.settings.proxy.default_model or MODEL
    key = options.key_env or _key_variable(launch)
    target = Target(base_url, model, key, launch.settings.proxy.websocket)
    print(RECIPES[options.client](target), end="")
    return 0


def _own_address(settings: Settings) -> str | None:
    """Return where clients on this machine find agd: it listens on IPv4's loopback in every configuration."""
    port = settings.proxy.port
    return f"http://127.0.0.1:{port}/v1" if port else None


def _key_variable(launch: Launch) -> str | None:
    """Return the variable that is to hold a client's key, None where no key is wanted."""
    if effective_auth_mode(launch.settings, launch.loopback_only) == "off":
        return None
    keys = launch.settings.client_keys
    kept = {key.key.source.removeprefix("env:") for key in keys if key.key.source.startswith("env:")}
    return kept.pop() if len(keys) == len(kept) == 1 else KEY_VARIABLE


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[\s\"'`$\\?#@]", text):
        raise argparse.ArgumentTypeError("an http or https URL without credentials, query and fragment")
    return text.rstrip("/") if text.rstrip("/").endswith("/v1") else text.rstrip("/") + "/v1"


def _model(text: str) -> str:
    if not _MODEL.fullmatch(text):
        raise argparse.ArgumentTypeError("a model's name: letters, digits and _ . : / @ -")
    return text


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):  # not shown: it may be the key itself
        raise argparse.ArgumentTypeError("the name of an environment variable, not the key")
    return text
