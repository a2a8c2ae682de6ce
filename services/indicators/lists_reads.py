"""What the named lists fetch: of every school, its latest visits that answer something.

Owns the queries; SQL only. A school is visited hundreds of times and two visits decide: the index
is walked from its newest day on, so a list costs what there are schools, not what there are visits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.indicators.read_store import Seen
from services.indicators.segments import MIN_DAY
from services.indicators.visits import COLUMNS, Visits
from shared.db.transaction import Tx

_KIND, _STANDING = COLUMNS.index("kind"), COLUMNS.index("standing")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which visits answer: of any of these stock groups, or of any of these mask bits.

    With neither, every visit does. `first` and `last` are the days looked at; `count` is how many
    of the latest are needed, 1 or 2.
    """

    last: int
    first: int = MIN_DAY
    groups: int = 0
    mask: int = 0
    count: int = 1


async def latest(tx: Tx, schools: Sequence[int], wanted: Wanted) -> Seen:
    """All visits of the days from that of the last (or last but one) answering visit on.

    Whole days, because which of a day's visits counts is decided among them. Visits that are out of
    the counting by themselves do not begin the stretch; one that another superseded may.
    """
    asked: list[object] = [list(schools), wanted.first, wanted.last]
    answers = ""
    if wanted.groups or wanted.mask:
        asked.append(wanted.groups or wanted.mask)
        answers = f" AND (w.{'groups' if wanted.groups else 'mask'} & $4) <> 0"
    rows = await tx.fetch(
        f"SELECT {','.join(f'v.{name}' for name in COLUMNS)}, v.revision, v.school_code, v.status "
        "FROM schools s JOIN visits v ON v.school = s.id AND v.day >= ("
        "SELECT w.day FROM visits w WHERE w.school = s.id AND w.day >= $2 AND w.day <= $3 "
        f"AND w.standing = 'standing' AND w.kind <> 'verification'{answers} "
        f"ORDER BY w.day DESC LIMIT 1 OFFSET {wanted.count - 1}) "
        "AND v.day <= $3 WHERE s.id = ANY($1::integer[])",
        *asked,
    )
    own = len(COLUMNS)
    return Seen(
        Visits.from_rows(rows),
        [row[_KIND] for row in rows],
        [row[_STANDING] for row in rows],
        [row[own] for row in rows],
        [row[own + 1] for row in rows],
        [row[own + 2] for row in rows],
    )
