"""A school as people look at it: what the register says, since when, and its visits.

Owns what the school's page holds; visits are read by `visits`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.reports.cards import Cards
from services.reports.visits import Visits
from shared.access import Principal
from shared.clients.figure_answers import UnitDetail
from shared.clients.ingest import IngestClient
from shared.domain.codes import SCHOOL_PREFIX, canonical_school_code, school_unit

VISITS_A_PAGE = 25
ATTRIBUTES = ("level", "gender", "shift", "zone", "status")
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One dated record of a school: from when, when it was recorded, and what changed with it."""

    valid_from: str
    recorded_at: str | None
    name: str
    parent_id: str | None
    changed: tuple[tuple[str, str | None, str | None], ...]


@dataclass(frozen=True, slots=True)
class SchoolPage:
    """What the page of a school shows; `visits` is None where the caller may not read any."""

    unit: UnitDetail
    code: str
    record: Document
    changes: tuple[Change, ...]
    attributes: Mapping[str, Any]
    visits: list[Document] | None
    replies: Mapping[tuple[str, str], int]
    count: int
    page: int
    pages: int


class Schools:
    """Makes the pages of schools."""

    def __init__(self, ingest: IngestClient, cards: Cards, visits: Visits) -> None:
        self._ingest = ingest
        self._cards = cards
        self._visits = visits

    async def page(
        self, code: str, caller: Principal, own: Mapping[str, str], page: int
    ) -> SchoolPage:
        """The page of a school; raises Problem 404 outside the caller's units."""
        unit = await self._cards.unit_for(school_unit(code), caller)
        canonical = canonical_school_code(unit["unit_id"].removeprefix(SCHOOL_PREFIX))
        records, visits = await asyncio.gather(
            self._records(canonical), self._of(canonical, caller, own)
        )
        record = _standing(records, unit)
        count = len(visits or ())
        pages = max(1, -(-count // VISITS_A_PAGE))
        page = min(page, pages)
        begin = (page - 1) * VISITS_A_PAGE
        shown = None if visits is None else visits[begin : begin + VISITS_A_PAGE]
        replies = await self._visits.reply_counts(shown or (), caller, own)
        return SchoolPage(
            unit=unit,
            code=str(record["school_code"]),
            record=record,
            changes=_changes(records),
            attributes=record.get("attributes") or {} if caller.has("registry:read") else {},
            visits=shown,
            replies=replies,
            count=count,
            page=page,
            pages=pages,
        )

    async def _records(self, code: str) -> list[Document]:
        """The dated records, oldest first."""
        found = await self._ingest.get("/v1/schools", {"school": code})
        return sorted(found["schools"], key=lambda record: str(record["valid_from"]))

    async def _of(
        self, code: str, caller: Principal, own: Mapping[str, str]
    ) -> list[Document] | None:
        return (
            await self._visits.of_school(code, caller, own) if caller.has("visits:read") else None
        )


def _standing(records: Sequence[Document], unit: UnitDetail) -> Document:
    """The record in force: the one that indicators answered with, by its first day."""
    own = {
        "school_code": unit["unit_id"].removeprefix(SCHOOL_PREFIX),
        "valid_from": unit["valid_from"],
    }
    return next((r for r in reversed(records) if r["valid_from"] <= unit["valid_from"]), own)


def _changes(records: Sequence[Document]) -> tuple[Change, ...]:
    """Every record with what it changed, newest first; of the first, everything."""
    found: list[Change] = []
    before: Document = {}
    for record in records:
        changed = tuple(
            (key, _text(before.get(key)), _text(record.get(key)))
            for key in ("name", "unit_id", *ATTRIBUTES, "lat", "lon")
            if _text(before.get(key)) != _text(record.get(key))
        )
        found.append(
            Change(
                valid_from=record["valid_from"],
                recorded_at=record.get("recorded_at"),
                name=record.get("name") or str(record["school_code"]),
                parent_id=record.get("unit_id"),
                changed=changed if before else (),
            )
        )
        before = record
    return tuple(reversed(found))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
