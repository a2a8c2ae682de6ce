"""An indicator in depth, in words and positions for the page's template (pure).

Owns what is shown and how it is written; what is compared is `comparison`'s, markup the template's.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from services.reports.beside import Below, Comparison, Past
from services.reports.figures import Figure
from services.reports.formats.charts import Bar, bar
from services.reports.formats.view import too_many
from services.reports.numbers import count, half_up, percent, points, target_percent
from services.reports.texts import Texts


@dataclass(frozen=True, slots=True)
class Shown:
    """One figure of a table: a period, the parent, or a unit below."""

    name: str
    unit_id: str | None
    text: str
    reliable: bool
    ends: tuple[str, str] | None
    bar: Bar
    label: str
    part: str
    whole: str
    visits: int
    schools: int
    state: str


@dataclass(frozen=True, slots=True)
class Since:
    """What changed since another period."""

    shown: Shown
    change: str
    mark: str
    same: str | None
    rest: str | None
    schools: str
    too_many: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Placed:
    """A unit below and its rank: position, of, lowest and highest possible."""

    shown: Shown
    rank: tuple[str, str, str, str] | None


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Everything the template shows."""

    title: str
    span: str
    day: str
    stock: bool
    ahead: bool
    own: Shown
    pasts: tuple[Since, ...]
    parent: Shown | None
    rank: tuple[str, str, str, str] | None
    siblings: tuple[str, str, str] | None
    target: str | None
    away: str
    path: str | None
    away_path: str
    status: str | None
    below: tuple[Placed, ...]
    level: str


def comparison_view(found: Comparison, texts: Texts) -> ComparisonView:
    """Write a comparison down in one language."""
    first, last = (date.fromisoformat(found.window[end]) for end in ("first", "last"))
    span = texts.span(first, last)
    code, spread, target = found.indicator.code, found.siblings, found.target
    own = found.indicator.called(texts.lang)
    levels = {each.place.level for each in found.below}
    return ComparisonView(
        title=texts.maybe(code, own) if found.indicator.definition == 1 else own,
        span=span,
        day=texts.day(date.fromisoformat(found.window["state_on"])),
        stock=found.indicator.basis == "stock",
        ahead=found.window["state_on"] < found.window["first"],
        own=_shown(found, found.figure, span, texts),
        pasts=tuple(_since(found, past, texts) for past in found.pasts),
        parent=_shown(found, found.parent, found.chain[1].called(texts.lang), texts)
        if found.parent and len(found.chain) > 1
        else None,
        rank=_rank(found) if found.rank and found.rank.of > 1 else None,
        siblings=(percent(spread.lowest), percent(spread.middle), percent(spread.highest))
        if spread
        else None,
        target=target_percent(target.target) if target else None,
        away=points(found.to_target, near=True),
        path=percent(found.path) if found.path is not None else None,
        away_path=points(found.to_path, near=True),
        status=found.status,
        below=tuple(_placed(found, each, texts) for each in found.below),
        level=levels.pop() if len(levels) == 1 else "unit",
    )


def _goal(found: Comparison) -> Fraction | None:
    return found.target.target if found.target else None


def _shown(
    found: Comparison, figure: Figure, name: str, texts: Texts, unit_id: str | None = None
) -> Shown:
    share, bounds, goal = figure.share, figure.bounds, _goal(found)
    text = percent(share, goal, lower=found.indicator.lower_is_better)
    return Shown(
        name=name,
        unit_id=unit_id,
        text=text,
        reliable=figure.reliable or share is None,
        ends=(half_up(bounds[0] * 100), half_up(bounds[1] * 100)) if bounds else None,
        bar=bar(share, bounds, goal, None, mirrored=texts.direction == "rtl"),
        label=f"{name}: {text}",
        part=count(figure.numerator),
        whole=count(figure.denominator or 0),
        visits=figure.visits,
        schools=figure.schools,
        state=figure.state,
    )


def _since(found: Comparison, past: Past, texts: Texts) -> Since:
    moved = past.moved if past.change is not None else None
    mark = "" if past.change is None else "≈"
    if past.change is not None and past.clear:
        mark = "▲" if past.change > 0 else "▼"
    return Since(
        shown=_shown(found, past.figure, texts.span(past.first, past.last), texts),
        change=points(past.change, near=True),
        mark=mark,
        same=points(moved.same, near=True) if moved and moved.same is not None else None,
        rest=points(moved.composition, near=True) if moved else None,
        schools=count(moved.schools if moved else 0),
        too_many=too_many(past.too_many),
    )


def _rank(found: Comparison | Below) -> tuple[str, str, str, str] | None:
    rank = found.rank
    if rank is None:
        return None
    return count(rank.position), count(rank.of), count(rank.low), count(rank.high)


def _placed(found: Comparison, each: Below, texts: Texts) -> Placed:
    name = each.place.called(texts.lang)
    return Placed(_shown(found, each.figure, name, texts, each.place.unit_id), _rank(each))
