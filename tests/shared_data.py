"""Where the shared data stands: recordings of the real provider, captured client requests, official schemas.

The folder lies beside the project and is not part of it; ``AGD_SHARED_DATA`` names another place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import SkipTest

ROOT = Path(os.environ.get("AGD_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def require(name: str) -> Path:
    """Return the path of a shared file or folder; skip the test, saying so, where it is missing."""
    path = ROOT / name
    if not path.exists():
        raise SkipTest(f"shared data missing: {name} (expected in ../shared/data)")
    return path


def recordings() -> Iterator[dict[str, Any]]:
    """Yield every recorded exchange with the real provider, in order of name."""
    for path in sorted(require("recordings").glob("*.json")):
        yield json.loads(path.read_bytes())
