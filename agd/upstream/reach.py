"""Which addresses a client's URL may lead to: public ones, by IANA's special-purpose registries, and nothing else.

https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry,
as of 2025. Written out here because what Python's ``ipaddress`` calls global differs between its releases.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from attrs import frozen

HTTPS = 443

_CLOSED4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers (CGNAT), and one cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number, yet the host of every Azure machine
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

_OPEN6 = IPv6Network("2000::/3")
"""The only unicast addresses ever given out: all that is loopback, local, mapped, NAT64 or multicast is outside."""
_CLOSED6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, with Teredo, which holds an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which holds an IPv4 address
        "3fff::/20",  # documentation
    )
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the public internet's, whichever form it is written in."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED4)
    if address.scope_id is not None or address not in _OPEN6:
        return False
    return not any(address in network for network in _CLOSED6)


@frozen
class Reach:
    """Where fetches may go: port 443 of public addresses, and ``exceptions``, pairs of exactly an address and a port.

    The exceptions are for tests and for hosts that an operator vouches for.
    """

    exceptions: frozenset[tuple[str, int]] = frozenset()

    def takes_port(self, port: int) -> bool:
        """Tell whether any address may be asked on a port."""
        return port == HTTPS or any(port == known for _, known in self.exceptions)

    def takes(self, address: str, port: int) -> bool:
        """Tell whether an address, as a resolver wrote it, may be connected to."""
        if (address, port) in self.exceptions:
            return True
        try:
            return port == HTTPS and is_public(ip_address(address))
        except ValueError:
            return False
