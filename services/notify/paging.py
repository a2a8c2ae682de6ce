"""Opaque cursors of the lists: the last item's time and id, and the Link to what follows."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import urlencode

from shared.errors import invalid

PAGE = 50


def cursor(at: int, item_id: str) -> str:
    """Return the cursor after an item (time in µs)."""
    return base64.urlsafe_b64encode(f"{at}|{item_id}".encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> tuple[int, str] | None:
    """Return the time and id of a cursor, None for no cursor; raises Problem 422."""
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        at, _, item_id = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition("|")
        )
        return int(at), item_id
    except ValueError:
        raise invalid("/query/cursor", "invalid_cursor", "This cursor is none of ours.") from None


def next_link(path: str, query: Mapping[str, str | None], after: str) -> dict[str, str]:
    """Return the Link header to the page after a cursor."""
    asked = {name: value for name, value in query.items() if value is not None}
    return {"Link": f'<{path}?{urlencode({**asked, "cursor": after})}>; rel="next"'}
