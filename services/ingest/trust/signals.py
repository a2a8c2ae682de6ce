"""What visits together say: speed, round hours, jumps; pure.

Owns the arithmetic of each signal over visits in order of (time, visit id, source). Evidence is
standing visits only; a flag may be put on an excluded visit too, so that whoever excluded it still
sees why. Which visits must be looked at again is left to `fold`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from services.ingest.flags import Flag, metres
from services.ingest.trust.traits import Answers, Cells, Spot

_ENCODER = msgspec.json.Encoder()
_MICRO = 1_000_000
_STEP_M = 0.1112
"""Metres of a millionth of a degree of a meridian, rounded up."""
KMH = 100
_NEAR_M = 500
ROUND_RUN = 5
_OTHERS = ROUND_RUN - 1


class Finding(Flag, frozen=True, omit_defaults=True):
    """A flag with what it rests on: the other visit, and the numbers compared.

    `kmh` is absent when the two visits were at the same moment.
    """

    other: str | None = None
    kmh: int | None = None
    metres: int | None = None
    was: int | None = None
    now: int | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A visit as the signals see it; `at` is microseconds, `counted` as figures mean it."""

    visit_id: str
    source: str
    at: int
    standing: bool
    counted: bool
    rounded: bool
    spot: Spot | None
    answers: Answers

    @property
    def place(self) -> tuple[int, str, str]:
        """Its place in the order of visits."""
        return self.at, self.visit_id, self.source


def fast(visits: Sequence[Sighting]) -> list[list[Finding]]:
    """The speed flags of one monitor's visits, given in order; one list for each.

    Compared are the starts of a visit and of the nearest standing visits before and after it. The
    distance is taken less what both places may be wrong by, and must exceed 500 m.
    """
    before, after = _neighbours(visits, lambda visit: visit.spot is not None)
    found: list[list[Finding]] = []
    for visit, early, late in zip(visits, before, after, strict=True):
        pairs = [_speed(visit, other) for other in (early, late) if other is not None]
        worst = max((flag for flag in pairs if flag), key=_haste, default=None)
        found.append([worst] if worst is not None else [])
    return found


def _haste(flag: Finding) -> tuple[bool, int, str]:
    return flag.kmh is None, flag.kmh or 0, flag.other or ""


def _speed(visit: Sighting, other: Sighting) -> Finding | None:
    one, two = visit.spot, other.spot
    if one is None or two is None:
        return None
    seconds = abs(visit.at - other.at) / _MICRO
    # Going along a meridian and then along a parallel is never shorter: most pairs end here.
    detour = (abs(one.lat - two.lat) + abs(one.lon - two.lon)) * _STEP_M
    if detour * 3.6 <= KMH * seconds:
        return None
    whole = metres(one.lat / _MICRO, one.lon / _MICRO, two.lat / _MICRO, two.lon / _MICRO)
    distance = whole - one.accuracy_m - two.accuracy_m
    if distance <= _NEAR_M or distance * 3.6 <= KMH * seconds:
        return None
    kmh = round(distance * 3.6 / seconds) if seconds else None
    return Finding(
        "impossible_speed", "/visited_at", other=other.visit_id, kmh=kmh, metres=round(whole)
    )


def rounded(visits: Sequence[Sighting]) -> list[list[Finding]]:
    """The round-hours flags of one monitor's visits, given in order; one list for each.

    A visit that begins on a full or half hour is flagged within five such visits in a row.
    """
    ahead = _runs(visits)
    behind = _runs(visits[::-1])[::-1]
    return [
        [Finding("round_hours", "/visited_at")]
        if visit.rounded and back + on + 1 >= ROUND_RUN
        else []
        for visit, back, on in zip(visits, ahead, behind, strict=True)
    ]


def _runs(visits: Iterable[Sighting]) -> list[int]:
    """How many standing visits just before each began on a round hour, at most four."""
    run, runs = 0, []
    for visit in visits:
        runs.append(min(run, _OTHERS))
        if visit.standing:
            run = run + 1 if visit.rounded else 0
    return runs


def jumps(visits: Sequence[Sighting]) -> list[list[Finding]]:
    """The flags of one school's visits against its last counted visit that answered the same."""
    enrolled: Sighting | None = None
    rooms: Sighting | None = None
    posted: Sighting | None = None
    found: list[list[Finding]] = []
    for visit in visits:
        now, flags = visit.answers, list[Finding]()
        if enrolled is not None:
            pair = comparable(enrolled.answers.enrolled, now.enrolled)
            if pair is not None and 5 * abs(pair[1] - pair[0]) > 2 * pair[0]:
                flags.append(_jump("enrolment_jump", "/students", enrolled, pair))
        if rooms is not None and rooms.answers.rooms is not None and now.rooms is not None:
            pair = rooms.answers.rooms, now.rooms
            if pair[1] < pair[0]:
                flags.append(_jump("rooms_fewer", "/rooms/available", rooms, pair))
        if posted is not None:
            pair = comparable(posted.answers.posted, now.posted)
            if pair is not None and 2 * abs(pair[1] - pair[0]) > pair[0]:
                flags.append(_jump("posted_jump", "/teachers", posted, pair))
        found.append(flags)
        if visit.counted:
            enrolled = visit if now.enrolled else enrolled
            rooms = visit if now.rooms is not None else rooms
            posted = visit if now.posted else posted
    return found


def _jump(code: str, pointer: str, last: Sighting, pair: tuple[int, int]) -> Finding:
    return Finding(code, pointer, other=last.visit_id, was=pair[0], now=pair[1])


def comparable(was: Cells, now: Cells) -> tuple[int, int] | None:
    """Two totals that mean the same, or None.

    Of two counts by sex only the cells that both gave are compared; a count without sexes is
    compared as a whole.
    """
    if not was or not now:
        return None
    if was[-1] is None and now[-1] is None:
        both = [(a, b) for a, b in zip(was, now, strict=True) if a is not None and b is not None]
        return (sum(a for a, _ in both), sum(b for _, b in both)) if both else None
    return sum(filter(None, was)), sum(filter(None, now))


def _neighbours(
    visits: Sequence[Sighting], wanted: Callable[[Sighting], bool]
) -> tuple[list[Sighting | None], list[Sighting | None]]:
    """The nearest standing visits of a kind before and after each."""

    def nearest(ordered: Iterable[Sighting]) -> list[Sighting | None]:
        last: Sighting | None = None
        found = []
        for visit in ordered:
            found.append(last)
            if visit.standing and wanted(visit):
                last = visit
        return found

    return nearest(visits), nearest(visits[::-1])[::-1]


def stored_text(found: Any) -> str:
    """Flags and the like as they are stored."""
    return _ENCODER.encode(found).decode() if found else "[]"
