"""``agd run``: the daemon in the foreground."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from twisted.scripts import twistd


def run(arguments: Sequence[str]) -> None:
    """Do what ``twistd -n agd ARGUMENTS...`` does, until the daemon ends.

    Without a pid file: one left behind by a killed process would keep the next from starting.
    """
    sys.argv = ["twistd", "-n", "--pidfile=", "agd", *arguments]  # where twistd takes them from
    twistd.run()
