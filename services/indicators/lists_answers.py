"""A list of a unit, found and worded: who is on it, and how that stands on the wire and in CSV.

Owns the walk through the unit's schools, a thousand at a time. What a list means is `lists`', in
which order it comes `lists_order`'s.
"""

import csv
import io
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.indicators import answers, read_store, sums
from services.indicators.asking import Question
from services.indicators.list_words import BEHIND, LABELS
from services.indicators.lists import Hit, Judged, Lister, Sight
from services.indicators.lists_order import Order
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
    """The schools on a list, in order, of the `able` that could be."""

    lister: Lister
    able: int
    hits: list[Hit]
    order: Order


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
    order = Order(snapshot.register, placed, lister.on)
    turns = await read_store.off_loop(len(hits), order.sorted, [hit.school for hit in hits])
    return Found(lister, able, [hits[turn] for turn in turns], order)


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
    """A page of a list: at most `most` schools, those after the cursor `after`.

    `next` is the cursor of the next page. Raises Problem 422 for a cursor that is none.
    """
    begin = lists.order.after([hit.school for hit in lists.hits], after)
    page = lists.hits[begin : begin + most]
    further = len(lists.hits) > begin + most
    return {
        **answers.window(snapshot, place, question),
        **size(lists),
        "schools": await documents(snapshot, replace(lists, hits=page)),
        "next": lists.order.cursor(page[-1].school) if further else None,
    }


async def documents(snapshot: Snapshot, lists: Found) -> list[Listed]:
    """The schools of a list with their names, as registered on D."""
    on = lists.lister.on
    codes = snapshot.register.school_codes
    known = await snapshot.schools([codes[hit.school] for hit in lists.hits])
    chains = lists.order.units_of([hit.school for hit in lists.hits])
    made: list[Listed] = []
    for hit, chain in zip(lists.hits, chains, strict=True):
        record = known[codes[hit.school]].on(on)
        named = record.short()
        made.append(
            {
                "school_code": record.school_code,
                "unit_id": named["unit_id"],
                "name": named["name"],
                "names": named["names"],
                "belongs_to": _own_unit(snapshot, chain[-1], on) if chain else None,
                "level": record.level,
                "gender": record.gender,
                "since": day_date(hit.sights[0].day).isoformat() if hit.sights else None,
                "visits": [_seen(sight) for sight in hit.sights],
            }
        )
    return made


def _own_unit(snapshot: Snapshot, unit_id: str, day: int) -> UnitName:
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
