"""How alike the answers of one school are, as each night found it: the table and its readers.

Owns what is in force, now or at an instant, and how it is told. Making a night is `nightly`'s, the
arithmetic `resemblance`'s.
"""

from collections.abc import Sequence
from typing import Any

from services.indicators.catalogue import Definitions
from services.indicators.figures import MILLION
from services.indicators.intervals import Resemblance, Sampling
from services.indicators.resemblance import DOCUMENTED, Alike
from shared.clients.figure_answers import Alikeness, AlikenessAnswer
from shared.clock import rfc3339
from shared.db.transaction import Tx
from shared.domain.days import day_date


async def in_force(tx: Tx, known_at: int | None = None) -> Alike:
    """The estimates that were in force at `known_at` (microseconds), by default the newest ones.

    Each indicator keeps its last estimate over nights that could make none.
    """
    rows = await _rows(tx, known_at)
    if not rows:
        return DOCUMENTED
    newest = max(row[3] for row in rows)
    return Alike(
        day_date(newest).isoformat(),
        {row[0]: Resemblance(row[1] / MILLION, row[2] / MILLION) for row in rows},
    )


class Nights:
    """Remembers the newest estimates: nights are kept for ever, and every answer asks for one."""

    def __init__(self) -> None:
        self._night: int | None = None
        self._alike = DOCUMENTED

    async def current(self, tx: Tx) -> Alike:
        """The estimates in force now."""
        row = await tx.fetch_one(
            "SELECT night FROM resemblances WHERE icc IS NOT NULL ORDER BY night DESC LIMIT 1"
        )
        night = None if row is None else row[0]
        if night != self._night:
            self._alike, self._night = await in_force(tx), night
        return self._alike


def _until(known_at: int | None) -> int:
    return 2**62 if known_at is None else known_at


async def _rows(tx: Tx, known_at: int | None) -> list[Any]:
    """The newest estimate of each indicator that was recorded by then."""
    return await tx.fetch(
        "SELECT r.indicator, r.icc, r.cv2, r.night, r.schools, r.answers, r.recorded "
        "FROM resemblances r JOIN (SELECT indicator, MAX(night) AS night FROM resemblances "
        "WHERE icc IS NOT NULL AND recorded <= $1 GROUP BY indicator) newest "
        "ON newest.indicator = r.indicator AND newest.night = r.night ORDER BY r.indicator",
        _until(known_at),
    )


async def answer(tx: Tx, definitions: Definitions, known_at: int | None = None) -> AlikenessAnswer:
    """What intervals work with, indicator by indicator, and where it comes from."""
    rows = await _rows(tx, known_at)
    kept = {row[0]: row for row in rows}
    night = await tx.fetch_one(
        "SELECT MAX(night) FROM resemblances WHERE recorded <= $1", _until(known_at)
    )
    return {
        "version": max((day_date(row[3]).isoformat() for row in rows), default=None),
        "looked_on": None if night is None or night[0] is None else day_date(night[0]).isoformat(),
        "indicators": [
            _told(code, definitions.current[code].resemblance, kept.get(code))
            for code in clustered(definitions)
        ],
    }


def _told(code: str, constant: Resemblance, row: Sequence[Any] | None) -> Alikeness:
    if row is None:
        return {
            "indicator": code,
            "icc": constant.icc,
            "cv2": constant.cv2,
            "estimated": False,
            "night": None,
            "schools": None,
            "answers": None,
            "recorded_at": None,
        }
    return {
        "indicator": code,
        "icc": row[1] / MILLION,
        "cv2": row[2] / MILLION,
        "estimated": True,
        "night": day_date(row[3]).isoformat(),
        "schools": row[4],
        "answers": row[5],
        "recorded_at": rfc3339(row[6]),
    }


def clustered(definitions: Definitions) -> list[str]:
    """The indicators whose intervals need an ICC."""
    held = definitions.current.values()
    return [each.code for each in held if each.sampling is Sampling.CLUSTERED]
