"""Partners that the examination declares: their servers are the double on this machine, no other.

Owns the exchange of addresses in generated declarations. One that the schema refuses stays as it
is: it must be refused, and nobody is asked.
"""

from __future__ import annotations

import os
import re
from typing import Any

import schemathesis

PARTNER = "TESTS_PARTNER_URL"
"""The environment's name for the address of the double."""
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_LONGEST = 300


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let every declaration that could be taken name the double."""
    del context, kwargs
    if case.operation.definition.raw.get("operationId") != "put_adapter":
        return
    url = case.body.get("url") if isinstance(case.body, dict) else None
    if isinstance(url, str) and len(url) <= _LONGEST and _ADDRESS.fullmatch(url):
        case.body["url"] = os.environ[PARTNER]
