"""Figures by what schools and visits are, beside the figures themselves.

Owns which lines have parts of a kind and which parts are shown: those with anything in them, so
that what is left out adds nothing. Making the sums is `strata`'s; without a part the sums are
`gather`'s.
"""

import asyncio
from collections.abc import Sequence

from services.indicators import as_known, gather, strata
from services.indicators.asking import Question
from services.indicators.documents import figure_rows
from services.indicators.figures import Sums, compute
from services.indicators.gather import Asked
from services.indicators.snapshots import Place, Snapshot
from services.indicators.traits import KINDS, Part
from shared.clients.figure_answers import Figure
from shared.db.transaction import Tx


async def of_units(tx: Tx, asked: Asked, units: Sequence[int], part: Part | None) -> Sums:
    """Sums of every (unit, window), or of one part of each."""
    if part is None:
        return await as_known.of_units(tx, asked, units)
    return await strata.part_of_units(tx, asked, units, part)


async def of_schools(tx: Tx, asked: Asked, schools: Sequence[int], part: Part | None) -> Sums:
    """Sums of every (school, window), or of one part of each."""
    if part is None:
        return await gather.of_schools(tx, asked, schools)
    return await strata.part_of_schools(tx, asked, schools, part)


def named(rows: list[list[Figure]], part: Part | None) -> None:
    """Say of the figures of a part that they are."""
    if part is None:
        return
    for row in rows:
        for figure in row:
            figure["split"] = part.split


async def figure_parts(
    snapshot: Snapshot,
    asked: Asked,
    place: Place,
    question: Question,
    lines: Sequence[int] | None,
    kind: str,
) -> list[Figure]:
    """The parts of a kind of every total that is answered and can be split so.

    An indicator that stores this split has it among its own lines already.
    """
    definitions = snapshot.definitions
    chosen = definitions.totals if lines is None else lines
    wanted = [
        at for at in chosen if _divides(definitions.lines[at].split, definitions.of(at).by, kind)
    ]
    if not wanted or kind not in KINDS:
        return []
    if place.unit is not None:
        sums, words = await strata.parts_of_units(snapshot.tx, asked, [place.unit], kind)
    else:
        school = [place.school or 0]
        sums, words = await strata.parts_of_schools(snapshot.tx, asked, school, kind)
    new = None
    if question.since is not None:
        received, _ = await strata.new_parts(
            snapshot.tx, asked, question.since, unit=place.unit, school=place.school, kind=kind
        )
        new = compute(definitions, received, question.confidence, snapshot.alike).visits

    def made() -> list[Figure]:
        found = compute(definitions, sums, question.confidence, snapshot.alike)
        rows = figure_rows(definitions, found, wanted, new)
        shown = (found.visits != 0) | (found.numerator != 0) | (found.denominator != 0)
        figures: list[Figure] = []
        for at, line in enumerate(wanted):
            for number, word in enumerate(words):
                if bool(shown[number, line]):
                    figures.append({**rows[number][at], "split": Part(kind, word).split})
        return figures

    return await asyncio.to_thread(made)


def _divides(split: str | None, by: tuple[str, ...], kind: str) -> bool:
    return split is None and kind in by
