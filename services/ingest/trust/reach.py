"""How far a change is felt along a line of visits, and the signals computed again just there.

Owns the loading of as few neighbours as a signal needs. The arithmetic is left to `signals`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.ingest.trust.rows import Place, Row
from services.ingest.trust.signals import Finding, Sighting, fast, jumps, rounded
from services.ingest.trust.store import Line
from shared.db.transaction import Tx

_CHUNK = 16
_WEEK = 7 * 86_400 * 1_000_000
_MEASURES = 3
Take = Callable[[Row], Row]


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal along a line; what it needs is counted by `steps` over rows, the nearest first.

    A change is felt by the rows before the count reaches `back` or `ahead`, and these need the
    rows before it reaches `from_back` or `from_ahead`.
    """

    column: str
    compute: Callable[[Sequence[Sighting]], list[list[Finding]]]
    steps: Callable[[Iterable[Row]], list[int]]
    back: int
    ahead: int
    from_back: int
    from_ahead: int


def _standing(rows: Iterable[Row]) -> list[int]:
    """How many standing visits were met after each row."""
    met, counts = 0, []
    for row in rows:
        met += row.standing == "standing"
        counts.append(met)
    return counts


def _answered(rows: Iterable[Row]) -> list[int]:
    """Whether, after each row, every count that is compared was met on a counted visit."""
    met: set[int] = set()
    counts = []
    for row in rows:
        if row.counted and len(met) < _MEASURES:
            answers = row.sighting().answers
            given = (bool(answers.enrolled), answers.rooms is not None, bool(answers.posted))
            met.update(place for place, there in enumerate(given) if there)
        counts.append(int(len(met) == _MEASURES))
    return counts


SPEED = Signal("speed", fast, _standing, 1, 1, 2, 2)
HOURS = Signal("hours", rounded, _standing, 4, 4, 8, 8)
JUMPS = Signal("jumps", jumps, _answered, 0, 1, 1, 1)


async def again(
    tx: Tx, signal: Signal, line: Line, places: Iterable[Place], take: Take
) -> list[tuple[Row, list[Finding]]]:
    """The signal of every visit of a line that feels a change at any of some places.

    `take` is asked for the row to use in place of each that was read.
    """
    found = []
    for first, last in _spans(sorted(set(places))):
        middle = [take(row) for row in await line.between(tx, first, last)]
        before, felt_back = await _side(tx, signal, line, first, take, back=True)
        after, felt_ahead = await _side(tx, signal, line, last, take, back=False)
        rows = [*before[::-1], *middle, *after]
        flags = signal.compute([row.sighting() for row in rows])
        start, end = len(before) - felt_back, len(before) + len(middle) + felt_ahead
        found += list(zip(rows, flags, strict=True))[start:end]
    return found


def _spans(places: Sequence[Place]) -> list[tuple[Place, Place]]:
    """Spans of places less than a week apart: what lies between far ones need not be read."""
    spans: list[tuple[Place, Place]] = []
    for place in places:
        if spans and place[0] - spans[-1][1][0] <= _WEEK:
            spans[-1] = spans[-1][0], place
        else:
            spans.append((place, place))
    return spans


async def _side(
    tx: Tx, signal: Signal, line: Line, place: Place, take: Take, *, back: bool
) -> tuple[list[Row], int]:
    """The rows needed on one side of a place, the nearest first; how many feel a change there."""
    needed = signal.from_back if back else signal.from_ahead
    felt = signal.back if back else signal.ahead
    rows: list[Row] = []
    size = _CHUNK
    while True:
        at = rows[-1].place if rows else place
        more = await line.beyond(tx, at, back=back, limit=size)
        rows += [take(row) for row in more]
        steps = signal.steps(rows)
        if len(more) < size or steps[-1] >= needed:
            break
        size *= 2
    counts = [0, *steps]
    return rows, sum(counts[index] < felt for index in range(len(rows)))
