"""Routes of the tree: units by name, one unit, what is under it, the catalogue.

Owns lists and their paging. Figures are `figure_routes`'.
"""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from services.indicators import directory
from services.indicators.asking import read_known_at, read_number
from services.indicators.catalogue import Definitions
from services.indicators.directory import names_of
from services.indicators.parameters import CursorOf, KnownAtOf
from services.indicators.replies import (
    cursor,
    read_cursor,
    reply,
    unchanged,
)
from services.indicators.snapshots import Place, Snapshot, Snapshots
from shared.access import Principal
from shared.clients.figure_answers import (
    Catalogue,
    Children,
    Schools,
    Unit,
    UnitDetail,
    UnitName,
    Units,
)
from shared.domain.days import day_number
from shared.domain.periods import parse_day
from shared.errors import invalid
from shared.security import require

Reader = Annotated[Principal, Depends(require("cards:read"))]
_MOST_FOUND = 10_000


def add_units(router: APIRouter, snapshots: Snapshots) -> None:
    """Add the routes of units and of the catalogue."""

    @router.get("/v1/indicators", response_model=Catalogue)
    async def indicators(request: Request, _: Reader) -> Response:
        """All indicators: labels, what is divided by what, basis, direction, splits, version."""
        async with snapshots.open() as snapshot:
            return unchanged(request, snapshot) or reply(
                request, snapshot, _catalogue(snapshot.definitions)
            )

    @router.get("/v1/search", response_model=Units)
    async def search(
        request: Request,
        principal: Reader,
        q: Annotated[str | None, Query(description="part of a name, an alias or an id")] = None,
        level: Annotated[str | None, Query(description="district, cluster, school, …")] = None,
        limit: Annotated[str | None, Query(description="1 to 500, default 100")] = None,
        cursor: CursorOf = None,
    ) -> Response:
        """Units by part of a name and by level, as they are today; schools come last."""
        most = read_number(limit, "/query/limit", 100, 500)
        begin = _offset(cursor)
        part = _part(q)
        async with snapshots.open() as snapshot:
            found = await _found(snapshot, principal, part, level)
            page, more = found[begin : begin + most], len(found) > begin + most
            document: Units = {"units": await _documents(snapshot, page)}
            following = _cursor(begin + most) if more else None
            return reply(request, snapshot, document, following=following)

    @router.get("/v1/units/{unit_id:segment}/children", response_model=Children)
    async def children(
        request: Request,
        principal: Reader,
        unit_id: str,
        on: Annotated[str | None, Query(description="the tree of this day, default today")] = None,
        known_at: KnownAtOf = None,
    ) -> Response:
        """The units directly under a unit; a cluster's are its schools."""
        async with snapshots.open(read_known_at(known_at)) as snapshot:
            place = await snapshot.find(unit_id, principal)
            day = snapshot.day if on is None else day_number(parse_day(on, "/query/on"))
            if (same := unchanged(request, snapshot)) is not None:
                return same
            return reply(request, snapshot, await _children(snapshot, place, day))

    @router.get("/v1/units/{unit_id:segment}/schools", response_model=Schools)
    async def schools(
        request: Request,
        principal: Reader,
        unit_id: str,
        limit: Annotated[str | None, Query(description="1 to 2,000, default 500")] = None,
        cursor: CursorOf = None,
        known_at: KnownAtOf = None,
    ) -> Response:
        """The schools under a unit today, by code, whatever their status."""
        most = read_number(limit, "/query/limit", 500, 2000)
        after = read_cursor(cursor)
        async with snapshots.open(read_known_at(known_at)) as snapshot:
            place = await snapshot.find(unit_id, principal)
            if (same := unchanged(request, snapshot)) is not None:
                return same
            document, following = await _schools(snapshot, place, after, most)
            return reply(request, snapshot, document, following=following)

    @router.get("/v1/units/{unit_id:segment}", response_model=UnitDetail)
    async def unit(
        request: Request,
        principal: Reader,
        unit_id: str,
        known_at: KnownAtOf = None,
    ) -> Response:
        """One unit: names, level, parents, dates, head school, history."""
        async with snapshots.open(read_known_at(known_at)) as snapshot:
            place = await snapshot.find(unit_id, principal)
            if (same := unchanged(request, snapshot)) is not None:
                return same
            return reply(request, snapshot, await _detail(snapshot, place))


def _catalogue(definitions: Definitions) -> Catalogue:
    return {
        "indicators": [
            {
                "code": indicator.code,
                "labels": dict(indicator.names),
                "numerator": indicator.numerator,
                "denominator": indicator.denominator,
                "unit": indicator.unit,
                "basis": indicator.basis,
                "direction": indicator.direction,
                "shown": indicator.shown,
                "short": dict(indicator.short),
                "by": list(indicator.by),
                "versions": sorted(
                    version for code, version in definitions.by_version if code == indicator.code
                ),
                "splits": [
                    {
                        "split": line.split,
                        "labels": dict(indicator.words[line.split]),
                        "always": line.always,
                    }
                    for line in indicator.lines
                    if line.split is not None
                ],
                "definition": indicator.version,
            }
            for indicator in definitions.current.values()
        ]
    }


def _cursor(offset: int) -> str:
    return cursor(str(offset))


def _offset(text: str | None) -> int:
    value = read_cursor(text)
    if value is None:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise invalid("/query/cursor", "invalid_cursor", "This cursor is none of ours.")
    return int(value)


def _part(q: str | None) -> str:
    if q is not None and (len(q) > 200 or not q.isprintable()):
        raise invalid("/query/q", "invalid_search", "Search for up to 200 letters of a name.")
    return (q or "").strip().casefold()


async def _found(
    snapshot: Snapshot, principal: Principal, part: str, level: str | None
) -> list[tuple[str, bool]]:
    """What a search finds: (unit id, False) by name, then (school code, True) by code."""
    units = []
    for unit_id, dated in snapshot.units.items():
        record = dated.on(snapshot.day)
        wanted = level is None or record.level == level
        if wanted and any(part in name.casefold() for name in names_of(record)):
            number = snapshot.register.unit_index.get(unit_id)
            place = Place(unit_id, record.short(), unit=number)
            if number is not None and snapshot.admits(principal, place):
                units.append((record.name, unit_id))
    found = [(unit_id, False) for _, unit_id in sorted(units)]
    if level == "school" or (level is None and part):
        found += [(code, True) for code in await _found_schools(snapshot, principal, part)]
    return found


async def _found_schools(snapshot: Snapshot, principal: Principal, part: str) -> list[str]:
    register = snapshot.register
    if part:
        named = await directory.schools_named(snapshot.tx, part, _MOST_FOUND)
        numbers = [register.school_index[code] for code in named if code in register.school_index]
        schools = np.array(numbers, np.int32)
    else:
        schools = register.known_schools()
    codes = (register.school_codes[school] for school in schools.tolist())
    return sorted(code for code in codes if _admitted(snapshot, principal, code))


def _admitted(snapshot: Snapshot, principal: Principal, code: str) -> bool:
    if principal.units is None:
        return True
    named: UnitName = {"unit_id": code, "name": code, "names": {}, "level": "school"}
    school = snapshot.register.school_index[code]
    return snapshot.admits(principal, Place(f"school:{code}", named, school=school))


async def _documents(snapshot: Snapshot, found: list[tuple[str, bool]]) -> list[Unit]:
    codes = [key for key, is_school in found if is_school]
    schools = await snapshot.schools(codes) if codes else {}
    documents = []
    for key, is_school in found:
        if not is_school:
            documents.append(snapshot.units[key].on(snapshot.day).document())
        elif key in schools:
            documents.append(schools[key].on(snapshot.day).as_unit())
    return documents


async def _children(snapshot: Snapshot, place: Place, day: int) -> Children:
    if place.unit is None:
        return {"unit": place.unit_id, "children": []}
    ids = snapshot.register.unit_ids
    below = [(ids[unit], False) for unit in snapshot.below(place.unit, day)]
    direct = snapshot.direct_schools(place.unit, day)
    codes = sorted(snapshot.register.school_codes[school] for school in direct)
    found = [*below, *((code, True) for code in codes)]
    return {"unit": place.unit_id, "children": await _documents(snapshot, found)}


async def _schools(
    snapshot: Snapshot, place: Place, after: str | None, most: int
) -> tuple[Schools, str | None]:
    register = snapshot.register
    if place.unit is None:
        schools = [] if place.school is None else [place.school]
    else:
        schools = register.schools_under(place.unit, snapshot.day).tolist()
    codes = sorted(register.school_codes[school] for school in schools)
    left = [code for code in codes if after is None or code > after]
    page = left[:most]
    records = await snapshot.schools(page)
    document: Schools = {
        "unit": place.unit_id,
        "schools": [records[code].on(snapshot.day).document() for code in page if code in records],
    }
    return document, cursor(page[-1]) if len(left) > most else None


async def _detail(snapshot: Snapshot, place: Place) -> UnitDetail:
    chain = [snapshot.units[above].on(snapshot.day).short() for above in snapshot.parents(place)]
    if place.school is not None:
        code = snapshot.register.school_codes[place.school]
        dated = (await snapshot.schools([code]))[code]
        return {
            **dated.on(snapshot.day).as_unit(),
            "chain": chain,
            "predecessors": [],
            "aliases": [],
            "versions": [
                {
                    "name": record.name or record.school_code,
                    "level": "school",
                    "parent_id": record.unit_id,
                    "valid_from": record.valid_from,
                    "valid_to": None,
                }
                for record in dated.records
            ],
        }
    versions = snapshot.units[place.unit_id]
    record = versions.on(snapshot.day)
    return {
        **record.document(),
        "chain": chain,
        # A later record, of a rename say, does not repeat what the unit was made from.
        "predecessors": list(
            dict.fromkeys(
                former for version in versions.records for former in version.predecessors or ()
            )
        ),
        "aliases": record.aliases or [],
        "versions": [version.version() for version in versions.records],
    }
