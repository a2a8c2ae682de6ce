"""An answer of many schools, read page by page until there is no next one.

Owns following the cursor; what the rows say is the caller's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

Row = dict[str, Any]
Get = Callable[[str, dict[str, str]], Awaitable[httpx.Response]]


async def paged(get: Get, path: str, asked: dict[str, str], limit: int, rows: str) -> Row:
    """The last page with the `rows` of all, about `limit` a page; no school may be on two pages."""
    found: list[Row] = []
    following = {**asked, "limit": str(limit)}
    while True:
        answer = await get(path, following)
        assert answer.status_code == httpx.codes.OK, answer.text
        page: Row = answer.json()
        seen = {row["school_code"] for row in found}
        assert seen.isdisjoint(row["school_code"] for row in page[rows])
        found += page[rows]
        if page["next"] is None:
            return page | {rows: found}
        assert 'rel="next"' in answer.headers["link"]
        following = {**following, "cursor": page["next"]}
