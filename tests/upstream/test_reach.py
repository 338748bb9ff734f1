"""Which addresses and URLs may be fetched from."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.upstream.reach import Reach, is_public
from agd.upstream.targets import UnfetchableError, host_of, read_target

CLOSED = (
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1",
    "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2600::1%eth0", "fec0::1", "ff02::1",
)  # fmt: skip
OPEN = (
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1",
    "223.255.255.255", "2001:4860:4860::8888", "2600::1", "2a00:1450::1", "2003::1",
)  # fmt: skip

SIGNED = "https://a.example/a%2Fb/../c;d=1/?sig=a%2Bb%3D&x&y=&&z==1;k%2fj+l&t=2026-01-01T00:00:00Z%7E~"


class AddressTests(SynchronousTestCase):
    """Public addresses."""

    def test_H02_closed(self) -> None:
        """Loopback, private, link-local, carrier, metadata, multicast, reserved and translated addresses are closed."""
        self.assertEqual([text for text in CLOSED if is_public(ip_address(text))], [])

    def test_H02_open(self) -> None:
        """Addresses of the public internet are open."""
        self.assertEqual([text for text in OPEN if not is_public(ip_address(text))], [])

    @given(st.integers(0, 2**32 - 1))
    def test_H02_no_wider_than_python(self, number: int) -> None:
        """What Python calls private, or multicast, is never public here; nor is it in any IPv6 form."""
        address = IPv4Address(number)
        if address.is_private or address.is_multicast or address.is_reserved or address.is_loopback:
            self.assertFalse(is_public(address))
        for prefix in (0xFFFF << 32, 0, 0x64FF9B << 96, 0x2002 << 112):
            shift = 80 if prefix >> 112 == 0x2002 else 0
            self.assertFalse(is_public(IPv6Address(prefix | number << shift)))

    def test_reach(self) -> None:
        """Port 443 of public addresses is in reach, and exactly what is excepted."""
        reach = Reach(frozenset({("127.0.0.1", 8443)}))
        allowed = [("8.8.8.8", 443), ("127.0.0.1", 8443)]
        refused = [("8.8.8.8", 8443), ("8.8.8.8", 80), ("127.0.0.1", 443), ("127.0.0.2", 8443), ("nonsense", 443)]
        self.assertEqual([pair for pair in allowed + refused if reach.takes(*pair)], allowed)
        self.assertEqual([port for port in (22, 80, 443, 8443) if reach.takes_port(port)], [443, 8443])


class TargetTests(SynchronousTestCase):
    """URLs."""

    def test_good(self) -> None:
        """An https URL is read into what goes over the wire, without its fragment."""
        for url, written in (
            ("https://a.example/b%20c?d=e#f", "https://a.example/b%20c?d=e"),
            ("HTTPS://a.example:443/", "https://a.example/"),
            ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
            (SIGNED, SIGNED),
            ("https://a.example/a b\n", "https://a.example/a%20b%0A"),
            ("https://[2600::1]/x", "https://[2600::1]/x"),
        ):
            self.assertEqual(read_target(url, Reach()).to_text(), written)

    def test_H03_other_schemes(self) -> None:
        """Local paths and schemes other than https are refused by their text alone."""
        for url in ("/etc/passwd", "file:///etc/passwd", "http://a.example/", "ftp://a.example/", "gopher://a", ""):
            self.assert_refused(url, "is not an https URL")

    def test_H02_credentials(self) -> None:
        """A URL with credentials is refused, also where a backslash hides them."""
        for url in ("https://me:pass@a.example/", "https://me@a.example/", "https://a.example\\@b.example/"):
            self.assert_refused(url, "has credentials in its URL")

    def test_H02_ports(self) -> None:
        """Only port 443 is asked."""
        for port in (22, 80, 6379, 8080):
            self.assert_refused(f"https://a.example:{port}/", "is on a port that is not allowed")

    def test_bad_hosts(self) -> None:
        """A host that no resolver can be asked for is refused."""
        for host in (
            "",
            "a..b",
            "-a.example",
            "a" * 64 + ".example",
            ".".join(["a" * 60] * 5),
            "a b",
            "a%00b",
            "ä" * 70,
        ):
            self.assertRaises(UnfetchableError, read_target, f"https://{host}/", Reach())

    def test_no_url(self) -> None:
        """What is no URL is refused."""
        for url in ("https://a.example:port/", "https://[::1"):
            self.assertRaises(UnfetchableError, read_target, url, Reach())

    def test_host_for_messages(self) -> None:
        """Messages name the host and nothing that may be secret."""
        self.assertEqual(host_of("https://me:pass@a.example/b?key=secret"), "a.example")
        self.assertEqual(host_of("/etc/passwd"), "(no host)")
        self.assertEqual(host_of("https://[::1"), "(no host)")

    @given(st.text(max_size=30))
    def test_any_text(self, text: str) -> None:
        """Any text is either refused or becomes printable ASCII that is read again as the same."""
        for url in (text, f"https://{text}", f"https://a.example/{text}"):
            try:
                written = read_target(url, Reach()).to_text()
            except UnfetchableError:
                continue
            self.assertTrue(written.isascii() and written.isprintable() and " " not in written)
            self.assertEqual(read_target(written, Reach()).host, read_target(url, Reach()).host)

    def assert_refused(self, url: str, words: str) -> None:
        """Assert that a URL is refused with these words."""
        self.assertEqual(str(self.assertRaises(UnfetchableError, read_target, url, Reach())), words)
