"""A card in words and positions, ready for the page's template (pure).

Owns what is shown of a card and how it is written; arithmetic is left to `card`, markup to the
templates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from services.reports.card import HEADLINE, Card, Child, Line
from services.reports.figures import Figure, FigureSet, TooMany
from services.reports.formats.charts import Bar, Trend, bar, trend
from services.reports.numbers import UNDEFINED, count, half_up, percent, points, target_percent
from services.reports.texts import Texts

PRINTED_CHILDREN = 20
"""Rows of the children's table that fit the printed page beside the circular's nine indicators."""
# An indicator that a deployment adds takes the room of as many of these rows.
_ROWS_OF_AN_INDICATOR = 3

_ON_CARD = {
    "student_attendance": ("boys", "girls"),
    "teacher_attendance": ("male", "female"),
    "non_teaching_attendance": ("male", "female"),
    "usable_toilets": ("boys", "girls", "shared", "staff"),
    "usable_rooms": ("school_gender:boys", "school_gender:girls", "school_gender:mixed"),
    "learning_environment": ("school_gender:boys", "school_gender:girls", "school_gender:mixed"),
}
_FACTS = ("coverage", "schools_known", "schools_open", "schools_without_toilet")
SORTS = ("name", "visits", "coverage", *HEADLINE)
Order = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True)
class Split:
    """One part of an indicator."""

    label: str
    text: str
    reliable: bool


@dataclass(frozen=True, slots=True)
class Moves:
    """A change in parts: since the period before, and since the same period a year before."""

    mark: str
    same: str | None
    rest: str
    schools: str
    year: str | None
    year_mark: str


@dataclass(frozen=True, slots=True)
class Row:
    """One indicator's line."""

    code: str
    name: str
    unit: str
    figure: Figure
    text: str
    low: str | None
    high: str | None
    bar: Bar
    target: str | None
    away: str | None
    status: str | None
    grade: str | None
    change: str
    moves: Moves
    parent: str
    rank: tuple[str, str, str, str] | None
    siblings: tuple[str, str, str] | None
    trend: Trend | None
    trend_text: str
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the strip under the title."""

    code: str
    text: str
    part: str | None
    whole: str | None
    reliable: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of the children's table."""

    code: str
    text: str
    reliable: bool
    off_track: bool


@dataclass(frozen=True, slots=True)
class ChildRow:
    """One unit of the children's table."""

    unit_id: str
    name: str
    visits: str
    visited: str
    registered: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class CardView:
    """Everything the template shows."""

    flow: tuple[Row, ...]
    stock: tuple[Row, ...]
    facts: tuple[Fact, ...]
    children: tuple[ChildRow, ...]
    whole: ChildRow
    printed: int
    sort: str
    order: Order
    siblings: int
    ahead: bool
    changes: bool
    same: bool
    too_many: tuple[str, str] | None
    year: bool


def card_view(card: Card, texts: Texts, sort: str = "name", order: Order = "asc") -> CardView:
    """Write a card down in one language, its children in the order asked for."""
    rows = [_row(card, line, texts) for code in _on_card(card) if (line := card.line(code))]
    year = not _is_year_before(card) and any(row.moves.year for row in rows)
    ranks = [line.rank.of for line in card.lines if line.rank]
    return CardView(
        flow=tuple(row for row in rows if not _is_stock(card, row.code)),
        stock=tuple(row for row in rows if _is_stock(card, row.code)),
        facts=tuple(_fact(line) for code in _FACTS if (line := card.line(code))),
        children=tuple(
            _child(child.figures, texts.lang, child.statuses, child.goals)
            for child in _sorted(card.children, texts.lang, sort, order)
        ),
        whole=_child(card.own, texts.lang, {}, {}),
        printed=_printed(card, len(rows), year=year),
        sort=sort,
        order=order,
        siblings=max(ranks, default=0),
        ahead=card.own.state_on < card.own.first,
        changes=any(row.change != UNDEFINED or row.moves.year for row in rows),
        same=any(row.moves.same for row in rows),
        too_many=too_many(card.too_many),
        year=year,
    )


def too_many(why: TooMany | None) -> tuple[str, str] | None:
    """The visits of both periods and how many are looked through, where those are too many."""
    return None if why is None else (count(why.visits), count(why.most))


def _printed(card: Card, rows: int, *, year: bool) -> int:
    """How many of the units below fit the one sheet, beside everything else that stands on it."""
    lines = bool(card.own.known_at) + (card.own.view == "restated") + year
    others = _ROWS_OF_AN_INDICATOR * max(0, rows - len(HEADLINE))
    return max(0, PRINTED_CHILDREN - lines - others)


def _on_card(card: Card) -> tuple[str, ...]:
    """The circular's nine, and every other share of the definitions that no fact tells already."""
    others = [
        line.figure.indicator
        for line in card.lines
        if line.figure.split is None
        and line.figure.denominator is not None
        and line.figure.indicator not in (*HEADLINE, *_FACTS)
    ]
    return (*HEADLINE, *others)


def _name(line: Line, texts: Texts) -> str:
    """What an indicator is called: a definition of the deployment's own brings its own name."""
    indicator = line.indicator
    own = indicator.called(texts.lang)
    return texts.maybe(indicator.code, own) if indicator.definition == 1 else own


def _is_year_before(card: Card) -> bool:
    """Whether the period before and the same period a year before are one."""
    before, year = card.previous, card.year_ago
    return bool(before and year and (before.first, before.last) == (year.first, year.last))


def _is_stock(card: Card, code: str) -> bool:
    line = card.line(code)
    return line is not None and line.indicator.basis == "stock"


def _row(card: Card, line: Line, texts: Texts) -> Row:
    figure, share = line.figure, line.figure.share
    goal = line.target.target if line.target else None
    above = line.parent.share if line.parent else None
    bounds = figure.bounds
    code = figure.indicator
    return Row(
        code=code,
        name=_name(line, texts),
        unit=f"unit.{code}" if texts.maybe(f"unit.{code}", "") else "unit.other",
        figure=figure,
        text=percent(share, goal, lower=line.indicator.lower_is_better),
        low=half_up(bounds[0] * 100) if bounds else None,
        high=half_up(bounds[1] * 100) if bounds else None,
        bar=bar(share, bounds, goal, above, mirrored=texts.direction == "rtl"),
        target=target_percent(goal) if goal is not None else None,
        away=points(line.to_target, near=True) if line.to_target is not None else None,
        status=line.status,
        grade=line.grade,
        change=points(line.change),
        moves=_moves(line),
        parent=percent(above),
        rank=(
            (
                count(line.rank.position),
                count(line.rank.of),
                count(line.rank.low),
                count(line.rank.high),
            )
            if line.rank
            else None
        ),
        siblings=(
            (
                percent(line.siblings.lowest),
                percent(line.siblings.middle),
                percent(line.siblings.highest),
            )
            if line.siblings
            else None
        ),
        trend=trend(line.trend, goal, mirrored=texts.direction == "rtl"),
        trend_text=", ".join(
            f"{point.period} {half_up(Fraction(point.value) * 100)}%"
            for point in line.trend
            if point.value is not None
        ),
        splits=_splits(card, code, texts),
    )


def _moves(line: Line) -> Moves:
    moved = line.moved if line.change is not None else None
    return Moves(
        mark=_mark(line.change, clear=line.change_clear),
        same=points(moved.same) if moved and moved.same is not None else None,
        rest=points(moved.composition if moved else None),
        schools=count(moved.schools if moved else 0),
        year=points(line.year_change) if line.year_change is not None else None,
        year_mark=_mark(line.year_change, clear=line.year_clear),
    )


def _mark(change: Fraction | None, *, clear: bool) -> str:
    """▲ or ▼ for a clear change, ≈ for one within the uncertainty, nothing for none."""
    if change is None:
        return ""
    if not clear:
        return "≈"
    return "▲" if change > 0 else "▼"


def _splits(card: Card, code: str, texts: Texts) -> tuple[Split, ...]:
    own = tuple(line.figure.split or "" for line in card.splits(code))
    wanted = _ON_CARD.get(code, () if code in HEADLINE else own)
    lines = {line.figure.split: line.figure for line in card.splits(code)}
    shown = [
        Split(texts.maybe(f"split.{name}", name), percent(lines[name].share), lines[name].reliable)
        for name in wanted
        if name in lines and lines[name].state == "value"
    ]
    return tuple(shown) if len(shown) > 1 else ()


def _fact(line: Line) -> Fact:
    figure = line.figure
    defined = figure.share is not None
    return Fact(
        code=figure.indicator,
        text=percent(figure.share),
        part=count(figure.numerator) if defined else None,
        whole=count(figure.denominator or 0) if defined else None,
        reliable=figure.reliable or not defined,
    )


def _child(
    own: FigureSet, lang: str, statuses: dict[str, str | None], goals: dict[str, Fraction]
) -> ChildRow:
    cells = []
    for code in HEADLINE:
        figure = own.total(code)
        share = figure.share if figure else None
        cells.append(
            Cell(
                code=code,
                text=percent(share, goals.get(code)).removesuffix("%"),
                reliable=share is None or (figure is not None and figure.reliable),
                off_track=statuses.get(code) == "off_track",
            )
        )
    return ChildRow(
        unit_id=own.place.unit_id,
        name=own.place.called(lang),
        visits=count(own.visits),
        visited=count(own.schools_visited),
        registered=count(own.schools_registered),
        cells=tuple(cells),
    )


def _sorted(children: Sequence[Child], lang: str, sort: str, order: Order) -> list[Child]:
    """By name, count or share; what is undefined comes last in either order."""
    by_name = sorted(children, key=lambda child: child.figures.place.called(lang).casefold())
    if sort == "name":
        return by_name if order == "asc" else by_name[::-1]

    def value(child: Child) -> Fraction | None:
        own = child.figures
        if sort == "visits":
            return Fraction(own.visits)
        figure = own.total(sort)
        return figure.share if figure else None

    known = [child for child in by_name if value(child) is not None]
    known.sort(key=lambda child: value(child) or Fraction(0), reverse=order == "desc")
    return known + [child for child in by_name if value(child) is None]
