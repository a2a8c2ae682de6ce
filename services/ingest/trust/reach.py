"""How far a change is felt along a line of visits, and the signals computed again just there.

A line is all visits of a school, or of a monitor. Short lines are read whole, many at once; of a
long one only as many neighbours are read as a signal needs. The arithmetic is left to `signals`.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.ingest.trust.lines import Line, Lines, Seen
from services.ingest.trust.rows import Key, Place
from services.ingest.trust.signals import Finding, Sighting, fast, jumps, rounded, stored_text
from shared.db.transaction import Tx

SHORT = 80
CHUNK = 16
_WEEK = 7 * 86_400 * 1_000_000
_MEASURES = 3


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal along a line; what it needs is counted by `steps` over visits, the nearest first.

    A change is felt by the visits before the count reaches `back` or `ahead`, and these need the
    visits before it reaches `from_back` or `from_ahead`.
    """

    column: str
    compute: Callable[[Sequence[Sighting]], list[list[Finding]]]
    steps: Callable[[Iterable[Sighting]], list[int]]
    back: int
    ahead: int
    from_back: int
    from_ahead: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a signal says of a visit that it did not say before, as it is stored."""

    key: Key
    column: str
    text: str


def _standing(visits: Iterable[Sighting]) -> list[int]:
    """How many standing visits were met after each."""
    met, counts = 0, []
    for visit in visits:
        met += visit.standing
        counts.append(met)
    return counts


def _located(visits: Iterable[Sighting]) -> list[int]:
    """How many standing visits with a known place were met after each."""
    met, counts = 0, []
    for visit in visits:
        met += visit.standing and visit.spot is not None
        counts.append(met)
    return counts


def _answered(visits: Iterable[Sighting]) -> list[int]:
    """Whether, after each, every count that is compared was met on a counted visit."""
    met: set[int] = set()
    counts = []
    for visit in visits:
        if visit.counted and len(met) < _MEASURES:
            answers = visit.answers
            given = (bool(answers.enrolled), answers.rooms is not None, bool(answers.posted))
            met.update(place for place, there in enumerate(given) if there)
        counts.append(int(len(met) == _MEASURES))
    return counts


HOURS = Signal("hours", rounded, _standing, 4, 4, 8, 8)
SPEED = Signal("speed", fast, _located, 1, 1, 2, 2)
JUMPS = Signal("jumps", jumps, _answered, 0, 1, 1, 1)
_SIGNALS = {signal.column: signal for signal in (HOURS, SPEED, JUMPS)}


async def again(tx: Tx, lines: Lines, places: dict[Line, list[Place]]) -> list[Result]:
    """What the signals of a kind of lines say anew, where changes at some places are felt."""
    signals = [_SIGNALS[column] for column in lines.columns]
    results: list[Result] = []
    lengths = await lines.lengths(tx, list(places))
    short = [line for line in places if lengths.get(line, 0) <= SHORT]
    whole = await lines.whole(tx, short)
    for count, visits in enumerate(whole.values(), 1):
        for signal in signals:
            results += _changed(signal, visits, 0, len(visits))
        if count % 50 == 0:
            await asyncio.sleep(0)
    for line in places:
        if lengths.get(line, 0) > SHORT:
            for first, last in _spans(sorted(set(places[line]))):
                results += await _around(tx, signals, line, first, last)
    return results


def _changed(signal: Signal, visits: Sequence[Seen], start: int, end: int) -> list[Result]:
    """The results of a part of some visits in order, where they are not what is stored."""
    found = signal.compute([seen.visit for seen in visits])
    results = []
    for seen, flags in zip(visits[start:end], found[start:end], strict=True):
        text = stored_text(flags)
        if seen.stored[signal.column] != text:
            key = seen.visit.visit_id, seen.visit.source
            results.append(Result(key, signal.column, text))
    return results


def _spans(places: Sequence[Place]) -> list[tuple[Place, Place]]:
    """Spans of places less than a week apart: what lies between far ones need not be read."""
    spans: list[tuple[Place, Place]] = []
    for place in places:
        if spans and place[0] - spans[-1][1][0] <= _WEEK:
            spans[-1] = spans[-1][0], place
        else:
            spans.append((place, place))
    return spans


async def _around(
    tx: Tx, signals: Sequence[Signal], line: Line, first: Place, last: Place
) -> list[Result]:
    """What signals say anew around a span of a long line."""
    seen = await line.around(tx, first, last, CHUNK)
    before = [one for one in seen if one.visit.place < first][::-1]
    middle = [one for one in seen if first <= one.visit.place <= last]
    after = [one for one in seen if one.visit.place > last]
    results = []
    for signal in signals:
        # Who asks for places only reads past those that have none.
        along = line.located() if signal is SPEED else line
        back = await _enough(tx, signal.steps, signal.from_back, along, first, before, back=True)
        on = await _enough(tx, signal.steps, signal.from_ahead, along, last, after, back=False)
        felt_back = _felt(signal.steps, signal.back, back)
        felt_on = _felt(signal.steps, signal.ahead, on)
        visits = [*back[::-1], *middle, *on]
        start, end = len(back) - felt_back, len(back) + len(middle) + felt_on
        results += _changed(signal, visits, start, end)
    return results


def _felt(steps: Callable[[Iterable[Sighting]], list[int]], most: int, side: Sequence[Seen]) -> int:
    """How many visits of a side, the nearest first, feel a change."""
    counts = [0, *steps(seen.visit for seen in side)]
    return sum(counts[index] < most for index in range(len(side)))


async def _enough(
    tx: Tx,
    steps: Callable[[Iterable[Sighting]], list[int]],
    needed: int,
    line: Line,
    place: Place,
    side: Sequence[Seen],
    *,
    back: bool,
) -> Sequence[Seen]:
    """A side of which at least as much is read as is needed, if there is as much."""
    exhausted, size = len(side) < CHUNK, CHUNK
    rows = list(side)
    while not exhausted and steps(seen.visit for seen in rows)[-1] < needed:
        size *= 2
        more = await line.beyond(tx, rows[-1].visit.place if rows else place, size, back=back)
        exhausted = len(more) < size
        rows += more
    return rows
