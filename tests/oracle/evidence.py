"""The evidence behind a figure, held against it: what counts adds up to the oracle's integers.

Owns reading all pages of it and the sums of its rows; the reasons of what is left out are held
against the oracle by `tests/flows/test_evidence`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

Row = dict[str, Any]
Get = Callable[[str, dict[str, str]], Awaitable[httpx.Response]]


async def pages(get: Get, path: str, asked: dict[str, str], limit: int) -> list[Row]:
    """All evidence, about `limit` rows at a time; no school may be on two pages."""
    rows: list[Row] = []
    following: dict[str, str] | None = {**asked, "limit": str(limit)}
    while following is not None:
        answer = await get(path, following)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        seen = {row["school_code"] for row in rows}
        assert seen.isdisjoint(row["school_code"] for row in found["evidence"])
        rows += found["evidence"]
        following = {**following, "cursor": found["next"]} if found["next"] else None
    return rows


def _summed(rows: list[Row]) -> tuple[int, ...]:
    """Numerator, denominator, visits and schools of the rows that count."""
    counted = [row for row in rows if row["counted"]]
    schools = {row["school_code"] for row in counted}
    numerator = sum(row["numerator"] for row in counted)
    return numerator, sum(row["denominator"] or 0 for row in counted), len(counted), len(schools)


def unlike(rows: list[Row], figure: Row) -> list[str]:
    """What the rows that count add up to otherwise than the oracle's figure."""
    names = ("numerator", "denominator", "visits", "schools")
    wanted = tuple(figure[name] or 0 for name in names)
    found = _summed(rows)
    if figure["indicator"] in {"schools_known", "coverage"}:  # the denominator is the register's
        wanted, found = (wanted[0], *wanted[2:]), (found[0], *found[2:])
    return [] if found == wanted else [f"evidence adds up to {found}, expected {wanted}"]
