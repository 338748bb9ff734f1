"""Key pairs made for a test, and the accounts that they prove."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from agd.accounts.account import Account
from agd.accounts.credentials import Credential, RefreshToken, ServiceAccount
from agd.accounts.way import STRAIGHT, WayOut

EMAIL = "robot@project.example"


def pair(number: int = 0) -> tuple[str, str]:
    """Give a private and a public RSA key in PEM, the same for the same number."""
    return _made(number)


@cache
def _made(_number: int) -> tuple[str, str]:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private, public


def service_account(token_url: str, number: int = 0) -> ServiceAccount:
    """Make a service account."""
    return ServiceAccount(EMAIL, pair(number)[0], "key-1", token_url)


def refresh_token(token_url: str, token: str = "1//made-up-refresh") -> RefreshToken:
    """Make a refresh token of an operator's client."""
    return RefreshToken("client-1.example", "made-up/client+secret", token, token_url)


def proven(
    credential: Credential, base_url: str = "http://127.0.0.1:9", way: WayOut = STRAIGHT, **more: Any
) -> Account:
    """Make an account that a credential proves."""
    name = more.pop("name", "one")
    return Account(f"acct_{name}", f"{name}@example.com", base_url, credential, way=way, **more)


def service_account_json(token_url: str, number: int = 0, **more: str) -> str:
    """Give the JSON file of a service account."""
    file = {
        "type": "service_account",
        "client_email": EMAIL,
        "private_key": pair(number)[0],
        "private_key_id": "key-1",
        "token_uri": token_url,
        "project_id": "project-of-the-file",
    }
    return json.dumps(file | more)
