"""How trustworthy a monitor's visits look, over a span of time; pure.

Owns the arithmetic of the monitors' table: shares, medians, and agreement with verification visits
of other monitors to the same schools.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from services.ingest.review.states import codes_of
from services.ingest.trust.rows import Row
from services.ingest.trust.signals import Sighting, comparable

RELIABLE_VISITS = 30
RELIABLE_CHECKS = 5
VERIFIED_DAYS = 30
_WITHIN = VERIFIED_DAYS * 86_400 * 1_000_000
_ENROLMENT = 10
Document = dict[str, Any]
Who = tuple[str, str]


def table(rows: Iterable[Row], verifications: Sequence[Row]) -> dict[Who, Document]:
    """The quality of each monitor, by (source, monitor id), from its judged visits in order.

    A verification visit checks the last counted visit that another monitor made to its school in
    the 30 days before it.
    """
    visits: dict[Who, list[Row]] = defaultdict(list)
    for row in rows:
        if row.monitor_id is not None:
            visits[row.source, row.monitor_id].append(row)
    checks: dict[str, list[Row]] = defaultdict(list)
    for check in verifications:
        checks[check.school_code].append(check)
    return {who: _quality(who, made, checks) for who, made in visits.items()}


def _quality(who: Who, made: Sequence[Row], checks: dict[str, list[Row]]) -> Document:
    codes = Counter(code for row in made for code in codes_of(row.flags))
    flagged = sum(row.flags != "[]" for row in made)
    minutes = [row.minutes for row in made if row.minutes is not None]
    verified, agreed, compared = _agreement(who, made, checks)
    return {
        "source": who[0],
        "monitor_id": who[1],
        "visits": len(made),
        "excluded": sum(row.standing == "excluded" for row in made),
        "schools": len({row.school_code for row in made}),
        "days": len({row.day for row in made}),
        "flagged": flagged,
        "flagged_share": _share(flagged, len(made)),
        "flags": dict(sorted(codes.items())),
        "timed": len(minutes),
        "median_minutes": float(median(minutes)) if minutes else None,
        "verified": verified,
        "agreed": agreed,
        "compared": compared,
        "agreement": _share(agreed, compared),
        "reliable": len(made) >= RELIABLE_VISITS,
        "agreement_reliable": verified >= RELIABLE_CHECKS,
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _agreement(who: Who, made: Sequence[Row], checks: dict[str, list[Row]]) -> tuple[int, int, int]:
    """How many visits were verified; of their answers, how many agreed and were compared."""
    schools: dict[str, list[Row]] = defaultdict(list)
    for row in made:
        if row.counted and row.school_code in checks:
            schools[row.school_code].append(row)
    verified = agreed = compared = 0
    for code, rows in schools.items():
        for check in checks[code]:
            if (check.source, check.monitor_id) == who:
                continue
            before = [row for row in rows if 0 <= check.at - row.at <= _WITHIN]
            if before:
                answers = _same(before[-1], check)
                verified += 1
                agreed += sum(answers)
                compared += len(answers)
    return verified, agreed, compared


def _same(visit: Row, check: Row) -> list[bool]:
    """Which answers that both gave agree: open or not, enrolment within 10 %, rooms, posts."""
    same = [(visit.status == "open") == (check.status == "open")]
    one, two = _answers(visit), _answers(check)
    enrolled = comparable(two.answers.enrolled, one.answers.enrolled)
    if enrolled is not None:
        same.append(100 * abs(enrolled[1] - enrolled[0]) <= _ENROLMENT * enrolled[0])
    if one.answers.rooms is not None and two.answers.rooms is not None:
        same.append(one.answers.rooms == two.answers.rooms)
    posted = comparable(two.answers.posted, one.answers.posted)
    if posted is not None:
        same.append(posted[0] == posted[1])
    return same


def _answers(row: Row) -> Sighting:
    return row.sighting()
