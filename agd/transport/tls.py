"""Whose certificates are trusted, and waiting until a connection is secure."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import BrowserLikePolicyForHTTPS, HostnameCachingHTTPSPolicy
from twisted.web.iweb import IPolicyForHTTPS

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def make_policy(ca: str = "") -> IPolicyForHTTPS:
    """Make a TLS policy that trusts the certificates in ``ca`` (PEM) alone, or the system's when that is empty.

    Contexts are cached per host: making one reads all certificates of the system again. Raises ``ValueError``.
    """
    trusted = trustRootFromCertificates(read_certificates(ca)) if ca else None
    policy: Any = BrowserLikePolicyForHTTPS(trustRoot=trusted) if trusted is not None else BrowserLikePolicyForHTTPS()
    return HostnameCachingHTTPSPolicy(policy)


def read_certificates(ca: str) -> list[Certificate]:
    """Read every certificate of a PEM text. Raises ``ValueError`` when there is none, or one that cannot be read."""
    # Not above: it is pyOpenSSL's, and only an account with a ca of its own needs to know it.
    from OpenSSL.crypto import Error  # noqa: PLC0415

    found = _PEM.findall(ca)
    if not found:
        raise ValueError("there is no certificate in PEM")
    try:
        return [Certificate.loadPEM(text) for text in found]
    except Error:
        raise ValueError("there is a certificate that cannot be read") from None
