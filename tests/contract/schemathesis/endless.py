"""The call that goes on until somebody leaves: it is asked to tell what there is, and to end.

Owns setting the number of seconds of `GET /v1/stream` to 0 wherever it would be a good one or is
left out. One that the description refuses stays as it is: it must be refused.
"""

from __future__ import annotations

from typing import Any

import schemathesis

_MOST = 3_600


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let every stream that would be opened end at once."""
    del context, kwargs
    if case.operation.definition.raw.get("operationId") != "get_stream":
        return
    given = (case.query or {}).get("seconds")
    if given is None or (str(given).isdigit() and int(given) <= _MOST):
        case.query = {**(case.query or {}), "seconds": "0"}
