"""How a program is told what to do, and how it tells what it saw."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

Scenario = Callable[[str, str], Any]
"""Takes the model's name and the user's words; returns, or is a coroutine for, anything that JSON can say."""


def uses_responses() -> bool:
    """Tell whether to use OpenAI's Responses rather than Chat Completions, where a library speaks both."""
    return os.environ["CLIENT_SURFACE"] == "responses"


def carry_out(scenarios: Mapping[str, Scenario]) -> None:
    """Carry out the scenario that the command line names: SCENARIO MODEL TEXT. What is raised ends the program."""
    name, model, text = sys.argv[1:]
    seen = scenarios[name](model, text)
    json.dump(asyncio.run(seen) if inspect.iscoroutine(seen) else seen, sys.stdout)
