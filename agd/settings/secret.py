"""Secrets: written in the configuration, or named there and kept in the environment or in a file."""

from __future__ import annotations

import os.path
import re
from typing import Any

from attrs import evolve, field, frozen

from agd.settings.exposure import REMEDY
from agd.settings.kinds import Kind
from agd.settings.overrides import Override
from agd.settings.reading import INVALID, Reading, quoted, type_name

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@frozen(repr=False)
class Secret:
    """A key that is never shown: only ``reveal`` gives it out.

    ``source`` tells where it was found: ``literal``, ``env:NAME`` or ``file:PATH`` (as written).
    """

    _value: str
    source: str = field(default="literal", eq=False)

    def reveal(self) -> str:
        """Return the secret itself: printable ASCII, fit for a header."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"


@frozen
class SecretText(Kind):
    """A secret: itself, or ``env:NAME``, or ``file:PATH`` relative to the configuration's folder."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return 'a secret in printable ASCII, "env:NAME" or "file:PATH"'

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return the ``Secret``; problems tell where it was looked for, never what it is."""
        if not isinstance(value, str):
            return reading.note(path, type_name(value), self.allowed)
        scheme, _, name = value.partition(":")
        if scheme == "env":
            return self._from_environment(name, path, reading)
        if scheme == "file":
            return self._from_file(name, path, reading)
        reading.literals.append(path)
        return self._checked(Secret(value), "a secret", path, reading)

    def read_override(self, override: Override, reading: Reading) -> Any:
        """Return the ``Secret`` that an environment variable or an option holds or refers to."""
        secret = super().read_override(override, reading)
        if override.origin in reading.literals:
            reading.literals.remove(override.origin)  # it does not stand in the file
        if secret is INVALID or secret.source != "literal":
            return secret
        return evolve(secret, source=override.origin)

    def _from_environment(self, name: str, path: str, reading: Reading) -> Any:
        if not _VARIABLE.fullmatch(name):  # not shown: it may be the secret itself
            return reading.note(path, '"env:" without a proper name of a variable', self.allowed)
        what = f"environment variable {name}"
        if name not in reading.environ:
            return reading.note(path, f"{what}, which is not set", "a variable that is set")
        return self._checked(Secret(reading.environ[name], f"env:{name}"), what, path, reading)

    def _from_file(self, name: str, path: str, reading: Reading) -> Any:
        if not name.strip():
            return reading.note(path, '"file:" without a path', self.allowed)
        what = f"file {quoted(name)}"
        file = os.path.join(os.path.dirname(reading.source), name)
        try:
            text, exposure = reading.read_file(file), reading.exposure_of(file)
        except OSError as error:
            return reading.note(path, f"{what}: {error.strerror or 'not readable'}", "a file that can be read")
        except ValueError:  # its message can quote the content
            return reading.note(path, f"{what}, which is not text", "a file with a secret in printable ASCII")
        if exposure is not None:
            return reading.note(path, f"{what}, {exposure}", REMEDY)
        return self._checked(Secret(text.rstrip("\r\n"), f"file:{name}"), what, path, reading)

    def _checked(self, secret: Secret, what: str, path: str, reading: Reading) -> Any:
        fault = _fault(secret.reveal())
        if fault is None:
            return secret
        return reading.note(path, f"{what} {fault}", "a secret in printable ASCII, not empty")


def _fault(text: str) -> str | None:
    """Tell what keeps a text from being sent as a header's value (RFC 9110, 5.5), None if nothing does."""
    if not text:
        return "that is empty"
    if not (text.isascii() and text.isprintable()):
        return "with control characters or characters outside ASCII"
    return "with white space at an end" if text != text.strip() else None
