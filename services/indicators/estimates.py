"""How alike the answers of one school are, as each night found it: the table and its readers.

Owns what was in force at an instant, and how it is told. An estimate belongs to the version of a
definition it was made by: another version begins with its own constants. Making a night is
`nightly`'s, the arithmetic `resemblance`'s.
"""

from collections.abc import Sequence
from typing import Any

from services.indicators.catalogue import Definitions, Indicator
from services.indicators.figures import MILLION
from services.indicators.intervals import Resemblance, Sampling
from services.indicators.resemblance import DOCUMENTED, Alike
from shared.clients.figure_answers import Alikeness, AlikenessAnswer
from shared.clock import rfc3339
from shared.db.transaction import Tx
from shared.domain.days import day_date

_NEWEST = "SELECT night, recorded FROM definition_resemblances "


async def in_force(tx: Tx, instant: int) -> Alike:
    """The estimates that had been recorded by an instant (microseconds).

    Each definition keeps its last estimate over nights that could make none.
    """
    rows = await _rows(tx, instant)
    if not rows:
        return DOCUMENTED
    newest = max(row[4] for row in rows)
    return Alike(
        day_date(newest).isoformat(),
        {(row[0], row[1]): Resemblance(row[2] / MILLION, row[3] / MILLION) for row in rows},
    )


class Nights:
    """Remembers the newest estimates: nights are kept for ever, and every answer asks for one."""

    def __init__(self) -> None:
        self._night: int | None = None
        self._alike = DOCUMENTED

    async def at(self, tx: Tx, instant: int) -> Alike:
        """The estimates in force at an instant of the present: an answer's own `as_of`.

        So whoever asks later what was known by then is told the same intervals.
        """
        row = await tx.fetch_one(_NEWEST + "WHERE icc IS NOT NULL ORDER BY night DESC LIMIT 1")
        if row is not None and row[1] > instant:
            return await in_force(tx, instant)
        night = None if row is None else row[0]
        if night != self._night:
            self._alike, self._night = await in_force(tx, instant), night
        return self._alike


async def _rows(tx: Tx, instant: int) -> list[Any]:
    """The newest estimate of each definition that was recorded by then."""
    return await tx.fetch(
        "SELECT r.indicator, r.definition, r.icc, r.cv2, r.night, r.schools, r.answers, r.recorded "
        "FROM definition_resemblances r JOIN (SELECT indicator, definition, MAX(night) AS night "
        "FROM definition_resemblances WHERE icc IS NOT NULL AND recorded <= $1 "
        "GROUP BY indicator, definition) newest ON newest.indicator = r.indicator "
        "AND newest.definition = r.definition AND newest.night = r.night",
        instant,
    )


async def last_night(tx: Tx) -> tuple[int | None, int]:
    """The last night that was looked at, whatever it found, and when it was recorded (0: none)."""
    row = await tx.fetch_one(_NEWEST + "ORDER BY night DESC LIMIT 1")
    return (None, 0) if row is None else (int(row[0]), int(row[1]))


async def answer(tx: Tx, definitions: Definitions, instant: int) -> AlikenessAnswer:
    """What intervals work with at an instant, indicator by indicator, and where it comes from."""
    rows = {(row[0], row[1]): row for row in await _rows(tx, instant)}
    night = await tx.fetch_one(
        "SELECT MAX(night) FROM definition_resemblances WHERE recorded <= $1", instant
    )
    return {
        "version": max((day_date(row[4]).isoformat() for row in rows.values()), default=None),
        "looked_on": None if night is None or night[0] is None else day_date(night[0]).isoformat(),
        "indicators": [
            _told(entry, rows.get((entry.code, entry.version)))
            for entry in definitions.current.values()
            if entry.sampling is Sampling.CLUSTERED
        ],
    }


def _told(entry: Indicator, row: Sequence[Any] | None) -> Alikeness:
    if row is None:
        return {
            "indicator": entry.code,
            "definition": entry.version,
            "icc": entry.resemblance.icc,
            "cv2": entry.resemblance.cv2,
            "estimated": False,
            "night": None,
            "schools": None,
            "answers": None,
            "recorded_at": None,
        }
    return {
        "indicator": entry.code,
        "definition": entry.version,
        "icc": row[2] / MILLION,
        "cv2": row[3] / MILLION,
        "estimated": True,
        "night": day_date(row[4]).isoformat(),
        "schools": row[5],
        "answers": row[6],
        "recorded_at": rfc3339(row[7]),
    }


def clustered(definitions: Definitions) -> list[Indicator]:
    """The definitions whose intervals need an ICC, of every version."""
    return [each for each in definitions.entries if each.sampling is Sampling.CLUSTERED]
