"""Where agd listens, and who can reach it there."""

from __future__ import annotations

from twisted.internet.endpoints import serverFromString
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from agd.listeners import Stack, is_loopback, listeners
from tests.settings.configurations import read

STACKS: tuple[Stack, ...] = ("ipv4", "dual", "separate")
LOCAL4 = "tcp:port=8045:backlog=1024:interface=127.0.0.1"
LOCAL6 = r"tcp6:port=8045:backlog=1024:interface=\:\:1"
ALL4 = "tcp:port=8045:backlog=1024"
ALL6 = r"tcp6:port=8045:backlog=1024:interface=\:\:"


def made(text: str, stack: Stack) -> tuple[str, ...]:
    """Make the listeners of a configuration."""
    return listeners(read(text), (), stack)


class ListenersTests(SynchronousTestCase):
    """The endpoint descriptions of a configuration."""

    def test_this_machine(self) -> None:
        """Without LAN access it is 127.0.0.1 and, where there is IPv6, ::1."""
        self.assertEqual(made("", "ipv4"), (LOCAL4,))
        self.assertEqual(made("", "dual"), (LOCAL4, LOCAL6))
        self.assertEqual(made("", "separate"), (LOCAL4, LOCAL6))

    def test_every_interface(self) -> None:
        """With LAN access it is every interface, with as many sockets as the machine needs for that."""
        text = "proxy.allow_lan_access = true"
        self.assertEqual(made(text, "ipv4"), (ALL4,))
        self.assertEqual(made(text, "dual"), (ALL6,))
        self.assertEqual(made(text, "separate"), (ALL4, ALL6))

    def test_port(self) -> None:
        """The configured port is taken everywhere."""
        for stack in STACKS:
            for lan in ("true", "false"):
                for description in made(f"proxy.port = 9001\nproxy.allow_lan_access = {lan}", stack):
                    self.assertIn(":port=9001:", description)

    def test_any_port(self) -> None:
        """Port 0 makes one listener: two would get different ports."""
        for stack in STACKS:
            for lan in ("true", "false"):
                self.assertEqual(len(made(f"proxy.port = 0\nproxy.allow_lan_access = {lan}", stack)), 1)

    def test_named(self) -> None:
        """What the operator names is taken as it is, and instead of anything else."""
        named = ["unix:/run/agd.sock", "tcp:9000"]
        self.assertEqual(listeners(read("proxy.allow_lan_access = true"), named, "dual"), tuple(named))

    def test_understood(self) -> None:
        """Twisted listens there, on that port and interface."""
        expected = {LOCAL4: "127.0.0.1", LOCAL6: "::1", ALL4: "", ALL6: "::"}
        for description, interface in expected.items():
            reactor = MemoryReactor()
            serverFromString(reactor, description).listen(None)
            port, _, backlog, bound = reactor.tcpServers[0]
            self.assertEqual((port, backlog, bound), (8045, 1024, interface))


class LoopbackTests(SynchronousTestCase):
    """Who can reach an endpoint."""

    def test_this_machine(self) -> None:
        """Only this machine reaches loopback addresses and sockets in the file system."""
        for description in (
            "tcp:8045:interface=127.0.0.1",
            "tcp:port=8045:interface=127.0.0.1:backlog=50",
            "tcp:8045:interface=127.8.9.10",
            "tcp:8045:interface=localhost",
            r"tcp6:8045:interface=\:\:1",
            r"tcp6:interface=\:\:1:port=8045",
            r"ssl:8443:interface=127.0.0.1:privateKey=C\:\\key.pem",
            r"tls:8443:interface=\:\:1",
            "unix:/run/agd/agd.sock",
            r"unix:address=/run/a\:b.sock:mode=660",
        ):
            self.assertTrue(is_loopback(description), description)

    def test_reachable(self) -> None:
        """Any other address is reachable, and so is every endpoint that says nothing of its interface."""
        for description in (
            "tcp:8045",
            "tcp:port=8045:backlog=50",
            "tcp:8045:interface=",
            "tcp:8045:interface=0.0.0.0",
            "tcp:8045:interface=192.168.1.5",
            "tcp:8045:interface=localhost.example.com",
            "tcp6:8045",
            r"tcp6:8045:interface=\:\:",
            r"tcp6:8045:interface=fe80\:\:1",
            "ssl:8443:privateKey=key.pem",
            "tls:8443:interface=0.0.0.0",
        ):
            self.assertFalse(is_loopback(description), description)

    def test_untold(self) -> None:
        """What cannot be told counts as reachable: inherited sockets, wrapped and unknown endpoints, nonsense."""
        for description in (
            "systemd:domain=INET:index=0",
            "systemd:domain=UNIX:name=agd",
            "haproxy:tcp:8045:interface=127.0.0.1",
            "onion:80",
            "127.0.0.1",
            "8045",
            "",
            ":",
            "interface=127.0.0.1",
            "tcp6:8045:interface=::1",
        ):
            self.assertFalse(is_loopback(description), description)

    def test_escapes(self) -> None:
        """A colon belongs to a value only when the backslash before it is not itself escaped."""
        self.assertFalse(is_loopback(r"tcp:8045:x=a\:interface=127.0.0.1"))
        self.assertFalse(is_loopback(r"tcp:8045:interface=127.0.0.1:x=a\\:interface=0.0.0.0"))
        self.assertTrue(is_loopback(r"tcp:8045:x=a\\:interface=127.0.0.1"))

    def test_made(self) -> None:
        """What agd makes of a configuration is loopback exactly when there is no LAN access."""
        for stack in STACKS:
            self.assertTrue(all(map(is_loopback, made("", stack))))
            self.assertFalse(any(map(is_loopback, made("proxy.allow_lan_access = true", stack))))
