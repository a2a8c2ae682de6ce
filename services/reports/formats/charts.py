"""Where the marks of a bar and of a trend stand (pure geometry; the templates draw the SVG).

Bars are placed in percent of the width, so that they stretch without distortion, and begin at the
side where reading begins. So do trends: time runs as the page is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.reports.figures import Point

WIDTH, HEIGHT = 120.0, 32.0
_MARGIN = 4.0
_LEAST_SPAN = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """Positions in percent of the width; None where there is no such mark."""

    start: float
    length: float
    low: float | None
    high: float | None
    target: float | None
    parent: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Lines (SVG polyline points), lone points, the last point and the target's height."""

    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    last: tuple[float, float]
    target: float | None


def bar(
    share: Fraction | None,
    interval: tuple[Fraction, Fraction] | None,
    target: Fraction | None,
    parent: Fraction | None,
    *,
    mirrored: bool,
) -> Bar:
    """Place a value's bar, its interval and the marks beside it; mirrored for right to left."""

    def place(value: Fraction | None) -> float | None:
        if value is None:
            return None
        at = round(float(min(max(value, Fraction(0)), Fraction(1))) * 100, 2)
        return round(100 - at, 2) if mirrored else at

    length = round(float(share or 0) * 100, 2)
    wide = interval is not None and interval[1] > interval[0]
    return Bar(
        start=round(100 - length, 2) if mirrored else 0.0,
        length=length,
        low=place(interval[0]) if wide and interval else None,
        high=place(interval[1]) if wide and interval else None,
        target=place(target),
        parent=place(parent),
    )


def trend(points: Sequence[Point], target: Fraction | None, *, mirrored: bool) -> Trend | None:
    """Place a trend on its own scale, at least 20 points high; None with fewer than two values.

    A month without a value interrupts the line: nothing is drawn where nothing is known.
    """
    values = [point.value for point in points if point.value is not None]
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    missing = max(0.0, _LEAST_SPAN - (high - low)) / 2
    low, high = low - missing, high + missing
    step = (WIDTH - 2 * _MARGIN) / (len(points) - 1)

    def at(index: int, value: float) -> tuple[float, float]:
        down = (high - value) / (high - low) * (HEIGHT - 2 * _MARGIN)
        along = _MARGIN + index * step
        return round(WIDTH - along if mirrored else along, 1), round(_MARGIN + down, 1)

    runs: list[list[tuple[float, float]]] = [[]]
    for index, point in enumerate(points):
        if point.value is None:
            runs.append([])
        else:
            runs[-1].append(at(index, point.value))
    drawn = [run for run in runs if run]
    inside = target is not None and low <= float(target) <= high
    return Trend(
        lines=tuple(" ".join(f"{x},{y}" for x, y in run) for run in drawn if len(run) > 1),
        dots=tuple(run[0] for run in drawn if len(run) == 1),
        last=drawn[-1][-1],
        target=at(0, float(target))[1] if inside and target is not None else None,
    )
