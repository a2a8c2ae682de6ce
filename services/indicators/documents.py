"""Figures as they stand on the wire.

Owns the turning of arrays into plain dictionaries, as fast as Python allows: a province's card with
its children is two thousand figures. What an answer has around them is left to `answers`. Pure.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from services.indicators.catalogue import Definitions
from services.indicators.figures import MILLION, NEVER, STATES, Figures, Sums, millionths
from services.indicators.intervals import Integers
from services.indicators.labels import called, of_split
from services.indicators.measures import F, S
from shared.clients.figure_answers import Figure, UnitFigures
from shared.domain.days import day_date


def figure_rows(
    definitions: Definitions,
    figures: Figures,
    lines: Sequence[int] | None = None,
    new: Integers | None = None,
) -> list[list[Figure]]:
    """The figures of each row for the given columns (default: all that are shown).

    `new`, of the same shape as the figures, adds `new_visits`.
    """
    lines_of = definitions.lines
    is_count = [not line.denominators for line in lines_of]
    count = figures.micro.shape[0]
    if lines is None:
        chosen = [np.flatnonzero(row).tolist() for row in figures.shown]
    else:
        chosen = [list(lines)] * count
    numerator, denominator = figures.numerator.tolist(), figures.denominator.tolist()
    visits, schools = figures.visits.tolist(), figures.schools.tolist()
    value = (figures.micro / MILLION).tolist()
    low, high = figures.low.tolist(), figures.high.tolist()
    n_eff = np.where(np.isinf(figures.n_eff), -1.0, np.round(figures.n_eff, 6)).tolist()
    state, reliable = figures.state.tolist(), figures.reliable.tolist()
    rows: list[list[Figure]] = [
        [
            {
                "indicator": lines_of[at].indicator,
                "split": lines_of[at].split,
                "value": value[row][at] if denominator[row][at] > 0 else None,
                "numerator": numerator[row][at],
                "denominator": None if is_count[at] else denominator[row][at],
                "visits": visits[row][at],
                "schools": schools[row][at],
                "interval": (low[row][at], high[row][at])
                if denominator[row][at] > 0 and n_eff[row][at]
                else None,
                "n_eff": None if n_eff[row][at] < 0 else n_eff[row][at],
                "state": STATES[state[row][at]],  # type: ignore[typeddict-item]
                "reliable": reliable[row][at],
                "definition": lines_of[at].version,
            }
            for at in chosen[row]
        ]
        for row in range(count)
    ]
    if new is not None:
        for row, figures_of_row in enumerate(rows):
            for at, figure in zip(chosen[row], figures_of_row, strict=True):
                figure["new_visits"] = int(new[row, at])
    return rows


def label(definitions: Definitions, figures: Iterable[Figure], lang: str) -> None:
    """Write beside each figure what it and its split are called in a language."""
    for figure in figures:
        entry, split = definitions.by_version[figure["indicator"], figure["definition"]], None
        if figure["split"] is not None:
            split = called(entry.words.get(figure["split"]) or of_split(figure["split"]), lang)
        figure["label"], figure["split_label"] = called(entry.names, lang), split


def unit_figures(sums: Sums, rows: list[list[Figure]]) -> list[UnitFigures]:
    """The figures of each row with the numbers that stand above them."""
    registered = sums.stock[:, S["registered"]]
    coverage = (millionths(sums.covered, registered) / MILLION).tolist()
    return [
        {
            "visits": visits,
            "schools_visited": covered,
            "schools_registered": schools,
            "coverage": share if schools else None,
            "newest_visit": None if newest == NEVER else day_date(newest).isoformat(),
            "figures": figures,
        }
        for visits, covered, schools, share, newest, figures in zip(
            sums.flow[:, F["visits"]].tolist(),
            sums.covered.tolist(),
            registered.tolist(),
            coverage,
            sums.newest.tolist(),
            rows,
            strict=True,
        )
    ]
