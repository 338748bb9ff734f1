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
_PART = re.compile(r"(?:\\.|[^:\\])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def listeners(settings: Settings, listen: Sequence[str], stack: Stack) -> tuple[str, ...]:
    """Give the endpoint descriptions: those the operator named, or those that the configuration means."""
    if listen:
        return tuple(listen)
    port = settings.proxy.port
    lan = settings.proxy.allow_lan_access
    ipv4 = f"tcp:port={port}:backlog={BACKLOG}" + ("" if lan else ":interface=127.0.0.1")
    ipv6 = rf"tcp6:port={port}:backlog={BACKLOG}:interface=" + (r"\:\:" if lan else r"\:\:1")
    if lan and stack == "dual":
        return (ipv6,)
    # With port 0 the two would get different ports, of which the caller can know only one.
    return (ipv4,) if stack == "ipv4" or port == 0 else (ipv4, ipv6)


def is_loopback(description: str) -> bool:
    """Tell whether only this machine can reach an endpoint; what cannot be told counts as reachable."""
    kind, *arguments = (_ESCAPED.sub(r"\1", part) for part in _PART.findall(description) or [""])
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
