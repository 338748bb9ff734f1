"""Where agd listens, and whether anybody else can reach it there. Descriptions are Twisted's endpoint strings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Literal

from agd.settings import Settings

Stack = Literal["ipv4", "dual", "separate"]
"""What the machine has: no IPv6; one IPv6 socket that takes IPv4 as well; or a socket for each."""

BACKLOG = 1024
_UNESCAPED_COLON = re.compile(r"(?<!\\):")


def listeners(settings: Settings, listen: Sequence[str], stack: Stack) -> tuple[str, ...]:
    """Give the endpoint descriptions: those the operator named, or those that the configuration means."""
    if listen:
        return tuple(listen)
    port = settings.proxy.port
    if settings.proxy.allow_lan_access:
        ipv4, ipv6 = f"tcp:port={port}:backlog={BACKLOG}", rf"tcp6:port={port}:backlog={BACKLOG}:interface=\:\:"
        return {"ipv4": (ipv4,), "dual": (ipv6,), "separate": (ipv4, ipv6)}[stack]
    local = f"tcp:port={port}:backlog={BACKLOG}:interface=127.0.0.1"
    # With port 0 the two would get different ports, of which the caller can know only one.
    if stack == "ipv4" or port == 0:
        return (local,)
    return (local, rf"tcp6:port={port}:backlog={BACKLOG}:interface=\:\:1")


def is_loopback(description: str) -> bool:
    """Tell whether only this machine can reach an endpoint; what cannot be told counts as reachable."""
    kind, *arguments = (part.replace("\\:", ":") for part in _UNESCAPED_COLON.split(description))
    if kind == "unix":
        return True
    named = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    interface = named.get("interface", "")
    if kind not in ("tcp", "tcp6", "ssl", "tls"):
        return False
    if interface == "localhost":
        return True
    try:
        return ip_address(interface).is_loopback
    except ValueError:
        return False
