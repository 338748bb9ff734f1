"""Errors in Google's shape: ``google.rpc.Status`` as REST carries it (https://cloud.google.com/apis/design/errors)."""

from __future__ import annotations

from typing import Any

from attrs import frozen

_TYPE = "type.googleapis.com/google.rpc."

GRPC_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""HTTP status to the name of the google.rpc.Code that Google sends with it."""


@frozen
class Status:
    """One error: HTTP status, google.rpc.Code name, words for people, and typed details."""

    http: int
    grpc: str
    message: str
    details: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the ``{"error": {...}}`` object of the wire."""
        error: dict[str, Any] = {"code": self.http, "message": self.message, "status": self.grpc}
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


class Refused(Exception):
    """The request is answered with ``status`` and nothing is generated."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


def invalid_argument(message: str, *details: dict[str, Any]) -> Refused:
    """Give the refusal of a request that the API reads but does not take: 400 INVALID_ARGUMENT."""
    return Refused(Status(400, "INVALID_ARGUMENT", message, details))


def error_info(reason: str) -> dict[str, Any]:
    """Give a google.rpc.ErrorInfo detail, such as reason ``API_KEY_INVALID``."""
    return {
        "@type": _TYPE + "ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def retry_info(seconds: float) -> dict[str, Any]:
    """Give a google.rpc.RetryInfo detail; the delay is a protobuf Duration such as ``34.4s``."""
    return {"@type": _TYPE + "RetryInfo", "retryDelay": f"{seconds:g}s"}


def quota_failure(quota_id: str) -> dict[str, Any]:
    """Give a google.rpc.QuotaFailure detail with one violation."""
    return {"@type": _TYPE + "QuotaFailure", "violations": [{"quotaId": quota_id}]}


def field_violations(violations: list[tuple[str, str]]) -> dict[str, Any]:
    """Give a google.rpc.BadRequest detail from (field, description); an empty field is left out, as Google does."""
    found = [({"field": where} if where else {}) | {"description": text} for where, text in violations]
    return {"@type": _TYPE + "BadRequest", "fieldViolations": found}
