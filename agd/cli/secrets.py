"""Secrets on the command line: named there, never written there, because every process list shows it."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import sys

_NAMED = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+|-")
ASKED = "-"
"""What stands for a secret that is read from standard input, or asked for at a terminal."""

WORDS = "env:NAME, file:PATH, or - for standard input"


def named(text: str) -> str:
    """Take an option's value: ``env:NAME``, ``file:PATH``, or ``-``. What is wrong is not repeated."""
    if _NAMED.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"a secret is not written here, where every process list shows it: {WORDS}")
    scheme, _, path = text.partition(":")
    return f"file:{os.path.abspath(path)}" if scheme == "file" else text


def proxy(text: str) -> str:
    """Take a proxy: as above, or its URL where no password is in it."""
    if "://" in text and "@" not in text:
        return text
    return named(text)


def read_secret(what: str) -> str:
    """Return a secret from a terminal, unseen, or the next line of standard input; empty where there is none."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{what}: ").strip()
    return sys.stdin.readline().strip()
