"""A list of a unit, found and worded: who is on it, and how that stands on the wire and in CSV.

Owns the walk through the unit's schools, a thousand at a time, and the order (by school code). What
a list means is `lists`'.
"""

import csv
import io
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from services.indicators import answers, read_store, sums
from services.indicators.asking import Question
from services.indicators.list_words import BEHIND, LABELS
from services.indicators.lists import Hit, Judged, Lister, Sight
from services.indicators.lists_reads import latest
from services.indicators.register import Register
from services.indicators.snapshots import Place, Snapshot
from shared.clients.figure_answers import UnitName
from shared.clients.list_answers import ListAnswer, Listed, ListSize, ListSizes, SeenThen
from shared.domain.days import day_date
from shared.formula_guard import guarded

_AT_ONCE = 1_000
_SLOWLY_AT_ONCE = 100
_SEEN = ("day", "status", "source", "visit_id", "revision")
_COUNTS = {
    "teachers_absent": ("teachers_posted", "teachers_present", "teachers_excused"),
    "no_usable_room": ("rooms_available", "rooms_usable"),
}
_SCHOOL = ("school_code", "name", "belongs_to", "belongs_to_name", "level", "gender", "since")


@dataclass(frozen=True, slots=True)
class Found:
    """The schools on a list by (canonical code, hit), in order, of the `able` that could be.

    `placed` is the register under which they were found.
    """

    lister: Lister
    able: int
    hits: list[tuple[str, Hit]]
    placed: Register


async def found(snapshot: Snapshot, place: Place, question: Question, lister: Lister) -> Found:
    """Look through every school that is active on D and belongs to the unit then."""
    placed = snapshot.asked((question.span,), question.view).placed
    here = sums.members(placed, lister.on)
    if place.unit is None:
        inside = here.school == place.school
    else:
        inside = placed.has_unit(place.unit)[here.path]
    schools: list[int] = here.school[inside].tolist()
    able, hits = 0, list[Hit]()
    for begin in range(0, len(schools), _AT_ONCE):
        chunk = schools[begin : begin + _AT_ONCE]
        judged = await _judged(snapshot, lister, placed, chunk)
        able += judged.able
        hits += judged.hits
    codes = snapshot.register.school_codes
    ordered = sorted(((codes[hit.school], hit) for hit in hits), key=lambda each: each[0])
    return Found(lister, able, ordered, placed)


async def _judged(
    snapshot: Snapshot, lister: Lister, placed: Register, schools: list[int]
) -> Judged:
    """What is known of these schools; where their latest visits do not settle it, from all."""
    wanted = lister.wanted
    if snapshot.known_at is None:
        seen = await latest(snapshot.tx, schools, wanted)
        judged = await read_store.off_loop(len(schools), lister.judge, seen, placed, schools)
        rest = judged.unsettled
    else:  # what was the latest visit then is a matter of every revision
        judged, rest = Judged(0, [], []), schools
    for begin in range(0, len(rest), _SLOWLY_AT_ONCE):
        chunk = rest[begin : begin + _SLOWLY_AT_ONCE]
        seen = await read_store.visits_seen(
            snapshot.tx, chunk, wanted.first, wanted.last, known_at=snapshot.known_at
        )
        more = await read_store.off_loop(len(chunk), lister.judge, seen, placed, chunk)
        judged = Judged(judged.able + more.able, judged.hits + more.hits, [])
    return judged


def size(lists: Found) -> ListSize:
    """A list with its size."""
    lister = lists.lister
    return {
        "list": lister.name,
        "labels": dict(LABELS[lister.name]),
        "indicator": BEHIND[lister.name],
        "months": lister.months if lister.name == "not_visited" else None,
        "count": len(lists.hits),
        "of": lists.able,
    }


async def sizes(
    snapshot: Snapshot, place: Place, question: Question, listers: Sequence[Lister]
) -> ListSizes:
    """Every list with its size."""
    made = [size(await found(snapshot, place, question, lister)) for lister in listers]
    return {**answers.window(snapshot, place, question), "lists": made}


async def answer(
    snapshot: Snapshot,
    place: Place,
    question: Question,
    lists: Found,
    after: str | None,
    most: int,
) -> ListAnswer:
    """A page of a list: the schools whose canonical codes come after `after`, at most `most`.

    `next` is the code that the next page comes after.
    """
    left = [each for each in lists.hits if after is None or each[0] > after]
    page = left[:most]
    return {
        **answers.window(snapshot, place, question),
        **size(lists),
        "schools": await documents(snapshot, replace(lists, hits=page)),
        "next": page[-1][0] if len(left) > most else None,
    }


async def documents(snapshot: Snapshot, lists: Found) -> list[Listed]:
    """The schools of a list with their names, as registered on D."""
    on = lists.lister.on
    known = await snapshot.schools([code for code, _ in lists.hits])
    schools = np.array([hit.school for _, hit in lists.hits], np.int32)
    at = lists.placed.segment_at(schools, np.full(schools.size, on, np.int32))
    paths = lists.placed.seg_path[at].tolist()
    made: list[Listed] = []
    for (code, hit), path in zip(lists.hits, paths, strict=True):
        record = known[code].on(on)
        named = record.short()
        made.append(
            {
                "school_code": record.school_code,
                "unit_id": named["unit_id"],
                "name": named["name"],
                "names": named["names"],
                "belongs_to": _own_unit(snapshot, path, on),
                "level": record.level,
                "gender": record.gender,
                "since": day_date(hit.sights[0].day).isoformat() if hit.sights else None,
                "visits": [_seen(sight) for sight in hit.sights],
            }
        )
    return made


def _own_unit(snapshot: Snapshot, path: int, day: int) -> UnitName | None:
    chain = snapshot.register.paths[path]
    if not chain:
        return None
    unit_id = snapshot.register.unit_ids[chain[0]]
    held = snapshot.units.get(unit_id)
    if held is None:
        return {"unit_id": unit_id, "name": unit_id, "names": {}, "level": ""}
    return held.on(day).short()


def _seen(sight: Sight) -> SeenThen:
    seen: SeenThen = {
        "source": sight.source,
        "visit_id": sight.visit_id,
        "revision": sight.revision,
        "day": day_date(sight.day).isoformat(),
        "status": sight.status,
    }
    return {**seen, **sight.counts}  # type: ignore[typeddict-item]


async def csv_pieces(snapshot: Snapshot, lists: Found) -> AsyncGenerator[bytes, None]:
    """The whole list as CSV, with a byte order mark, a thousand schools at a time.

    Texts that a spreadsheet would run are marked; where two visits decide they are the `earlier_`
    and the `later_` one.
    """
    name = lists.lister.name
    seen = (*_SEEN, *_COUNTS.get(name, ()))
    prefixes = ("earlier_", "later_") if lists.lister.wanted.count > 1 else ("",)
    head = [*_SCHOOL, *(f"{prefix}{column}" for prefix in prefixes for column in seen)]
    yield b"\xef\xbb\xbf" + _lines([head])
    for begin in range(0, len(lists.hits), _AT_ONCE):
        page = replace(lists, hits=lists.hits[begin : begin + _AT_ONCE])
        schools = await documents(snapshot, page)
        yield _lines([_row(school, seen, len(prefixes)) for school in schools])


def _row(school: Listed, seen: Sequence[str], visits: int) -> list[object]:
    unit = school["belongs_to"]
    row: list[object] = [
        school["school_code"],
        school["name"],
        None if unit is None else unit["unit_id"],
        None if unit is None else unit["name"],
        school["level"],
        school["gender"],
        school["since"],
    ]
    for place in range(visits):
        found: dict[str, Any] = dict(school["visits"][place]) if school["visits"] else {}
        row += [found.get(column) for column in seen]
    return row


def _lines(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(
        [guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return text.getvalue().encode()
