"""From the answers of the indicators service to the values that cards are made of (pure).

Owns the reading of the wire's words; which questions are asked is left to `gather` and
`comparison`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

from services.reports.figures import (
    Figure,
    FigureSet,
    Indicator,
    Moved,
    Place,
    Point,
    TooMany,
)
from shared.clients import figure_answers as wire
from shared.clients.change_answers import AllChanges

_MILLION = 1_000_000


def place_of(named: wire.UnitName, parent_id: str | None) -> Place:
    """A unit by name as a value."""
    return Place(
        named["unit_id"], named["name"], named["level"], dict(named["names"] or {}), parent_id
    )


def asked_of(answer: wire.Window, parent_id: str | None) -> Place:
    """The unit that an answer is about."""
    return Place(
        answer["unit"], answer["name"], answer["level"], dict(answer["names"] or {}), parent_id
    )


def figure_of(answer: wire.Figure) -> Figure:
    """A figure as a value."""
    interval = answer["interval"]
    return Figure(
        indicator=answer["indicator"],
        split=answer["split"],
        numerator=answer["numerator"],
        denominator=answer["denominator"],
        visits=answer["visits"],
        schools=answer["schools"],
        interval=None if interval is None else (interval[0], interval[1]),
        state=answer["state"],
        reliable=answer["reliable"],
        definition=answer["definition"],
        n_eff=answer["n_eff"],
    )


def figures_of(answer: wire.UnitFigures, place: Place, window: wire.Window) -> FigureSet:
    """The figures of a unit within an answer about a window."""
    newest = answer["newest_visit"]
    return FigureSet(
        place=place,
        period=window["period"],
        first=date.fromisoformat(window["first"]),
        last=date.fromisoformat(window["last"]),
        state_on=date.fromisoformat(window["state_on"]),
        as_of=window["as_of"],
        lag_seconds=window["lag_seconds"],
        version=window["version"],
        view=window["view"],
        known_at=window["known_at"],
        resemblance=window["resemblance"],
        visits=answer["visits"],
        schools_visited=answer["schools_visited"],
        schools_registered=answer["schools_registered"],
        coverage=answer["coverage"],
        newest_visit=None if newest is None else date.fromisoformat(newest),
        figures={(f["indicator"], f["split"]): figure_of(f) for f in answer["figures"]},
    )


def figure_set(answer: wire.FiguresAnswer) -> FigureSet:
    """A figures answer as a value."""
    return figures_of(answer, asked_of(answer, None), answer)


def children_of(answer: wire.ChildrenFigures) -> tuple[FigureSet, ...]:
    """The figures of the units below."""
    return tuple(
        figures_of(child, place_of(child, child["parent_id"]), answer)
        for child in answer["children"]
    )


def trends_of(answer: wire.AllSeries) -> dict[str, tuple[Point, ...]]:
    """Each indicator's months up to D; later ones are not yet there to be shown."""
    trends: dict[str, list[Point]] = {}
    for step in answer["series"]:
        if step["first"] > step["state_on"]:
            continue
        first = date.fromisoformat(step["first"])
        for figure in step["figures"]:
            if figure["split"] is None:
                point = Point(step["period"], figure["value"], figure["visits"], first)
                trends.setdefault(figure["indicator"], []).append(point)
    return {code: tuple(points) for code, points in trends.items()}


def read_catalogue(answer: wire.Catalogue) -> Mapping[str, Indicator]:
    """The definitions by code."""
    rows: Sequence[wire.Indicator] = answer["indicators"]
    return {
        row["code"]: Indicator(
            code=row["code"],
            labels=dict(row["labels"]),
            splits={each["split"]: dict(each["labels"]) for each in row["splits"]},
            basis=row["basis"],
            direction=row["direction"],
            definition=row["definition"],
        )
        for row in rows
    }


def moved_of(answer: AllChanges) -> dict[str, Moved]:
    """The parts of the changes that could be split."""
    return {
        line["indicator"]: Moved(
            None if line["same_schools"] is None else _millionths(line["same_schools"]),
            _millionths(line["composition"]),
            line["schools_in_both"] or 0,
        )
        for line in answer["changes"]
        if line["composition"] is not None and line["schools_in_both"] is not None
    }


def too_many_of(answer: AllChanges) -> TooMany | None:
    """Why none of the changes could be split, if so."""
    why = answer["not_by_school"]
    return None if why is None else TooMany(why["visits"], why["most_visits"])


def _millionths(share: float) -> Fraction:
    """A fraction of the wire, of six decimals, exactly."""
    return Fraction(round(share * _MILLION), _MILLION)
