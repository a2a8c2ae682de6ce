"""What schemathesis is given beside its settings: bodies it cannot write, `partners`, `endless`."""

from __future__ import annotations

import json
from typing import Any

import endless  # noqa: F401 - its hook is registered
import partners  # noqa: F401 - its hook is registered
import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(context: Any, value: Any) -> bytes:
    """One line of JSON for each item; a text stands for itself."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    items = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)
