"""``agd check``: all that is wrong with a configuration, without starting anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from agd.errors import ConfigurationError
from agd.launch import Launch, prepare
from agd.settings import effective_auth_mode


def check(file: str | None) -> int:
    """Check the configuration ``file`` (None: the one agd would start with) and return the exit status.

    Problems go to stderr, one a line, with status 1; otherwise warnings go there and a summary to stdout.
    """
    try:
        launch = prepare(file)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    for warning in launch.warnings:
        print(f"{launch.source}: warning: {warning}", file=sys.stderr)
    print("\n".join(_summary(launch)))
    return 0


def _summary(launch: Launch) -> Iterator[str]:
    yield f"{launch.source}: ok"
    yield f"accounts: {len(launch.settings.accounts)}"
    yield f"auth mode: {effective_auth_mode(launch.settings, launch.loopback_only)}"
    yield f"store: {launch.store_path or 'off'}"
    yield from (f"listener: {listener}" for listener in launch.listeners)
