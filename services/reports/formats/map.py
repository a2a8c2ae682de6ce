"""A map of schools from their points alone: projection, dots, names, grid and scale (pure).

Owns positions inside the picture. No border and no tile comes from anywhere: what is drawn is what
the register says. North is up, east is right, in both directions of writing. A point far away from
all others (swapped or mistyped coordinates) would shrink the rest to a spot; it is left out and
counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, floor, log10, radians
from statistics import median

WIDTH = 640.0
_TALLEST, _FLATTEST = 760.0, 260.0
_MARGIN = 26.0
_KM_PER_DEGREE = 111.195
# A unit one village wide is still drawn with some land around it.
_LEAST_DEGREES = 0.02
# How many times the usual distance from the middle a point may lie before it is left out.
_FAR = 12.0
_GRID_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_MOST_LINKS = 400
_MOST_LABELS = 12
_CHARACTER, _LINE = 6.6, 14.0
# Crosses; where there is room they are large enough to be told from dots on a phone.
_SMALL, _LARGE = "m-3-3l6 6m0-6l-6 6", "m-5-5l10 10m0-10l-10 10"


@dataclass(frozen=True, slots=True)
class Spot:
    """A school with its point: degrees north and east."""

    code: str
    name: str
    lat: float
    lon: float
    open: bool
    group: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A school's place in the picture, for a link."""

    code: str
    name: str
    x: float
    y: float
    open: bool


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a group of schools, written at their middle."""

    key: str
    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the grid: where it runs, and what it is called."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Map:
    """A picture of `width` by `height`; `open` and `closed` are path data, one stroke a school."""

    width: float
    height: float
    open: str
    closed: str
    dots: tuple[Dot, ...]
    labels: tuple[Label, ...]
    meridians: tuple[Line, ...]
    parallels: tuple[Line, ...]
    scale_km: float
    scale_length: float
    drawn: int
    left_out: tuple[Spot, ...]


def drawn_map(spots: Sequence[Spot], groups: Sequence[tuple[str, str]] = ()) -> Map | None:
    """The map of these schools with the names of `groups` (key, name); None without a point."""
    near, far = _without_strays(spots)
    if not near:
        return None
    frame = _Frame.around(near)
    placed = [(spot, *frame.place(spot.lat, spot.lon)) for spot in near]
    few = len(placed) <= _MOST_LINKS
    shut = [(x, y) for spot, x, y in placed if not spot.open]
    return Map(
        width=WIDTH,
        height=frame.height,
        open=_strokes([(x, y) for spot, x, y in placed if spot.open], "h0"),
        closed=_strokes(shut, _LARGE if few else _SMALL),
        dots=tuple(Dot(s.code, s.name, round(x, 1), round(y, 1), s.open) for s, x, y in placed)
        if few
        else (),
        labels=_labels(placed, groups, frame),
        meridians=frame.meridians(),
        parallels=frame.parallels(),
        scale_km=frame.scale[0],
        scale_length=frame.scale[1],
        drawn=len(near),
        left_out=tuple(far),
    )


def _without_strays(spots: Sequence[Spot]) -> tuple[list[Spot], list[Spot]]:
    """Those that lie together, and those far away from them."""
    if len(spots) < 4:
        return list(spots), []
    lat, lon = median(s.lat for s in spots), median(s.lon for s in spots)
    usual = median(max(abs(s.lat - lat), abs(s.lon - lon)) for s in spots)
    most = max(usual, _LEAST_DEGREES) * _FAR
    near = [s for s in spots if abs(s.lat - lat) <= most and abs(s.lon - lon) <= most]
    far = [s for s in spots if abs(s.lat - lat) > most or abs(s.lon - lon) > most]
    return near, far


def _strokes(places: Sequence[tuple[float, float]], mark: str) -> str:
    """Path data: one mark for each place; those on one pixel are one."""
    return "".join(f"M{x} {y}{mark}" for x, y in sorted({(round(x), round(y)) for x, y in places}))


@dataclass(frozen=True, slots=True)
class _Frame:
    """An equirectangular projection, true to shape at the middle parallel."""

    west: float
    north: float
    east: float
    south: float
    across: float
    down: float
    height: float

    @classmethod
    def around(cls, spots: Sequence[Spot]) -> "_Frame":
        """The frame that holds these points with a margin."""
        lats, lons = [s.lat for s in spots], [s.lon for s in spots]
        south, north = _widened(min(lats), max(lats))
        west, east = _widened(min(lons), max(lons))
        squeeze = max(0.05, cos(radians((south + north) / 2)))
        inside = WIDTH - 2 * _MARGIN
        scale = min(inside / ((east - west) * squeeze), (_TALLEST - 2 * _MARGIN) / (north - south))
        height = max(_FLATTEST, (north - south) * scale + 2 * _MARGIN)
        # What is narrower than the picture stands in its middle.
        spare_x = (WIDTH / scale / squeeze - (east - west)) / 2
        spare_y = (height / scale - (north - south)) / 2
        return cls(
            west - spare_x,
            north + spare_y,
            east + spare_x,
            south - spare_y,
            scale * squeeze,
            scale,
            round(height, 1),
        )

    def place(self, lat: float, lon: float) -> tuple[float, float]:
        """Where a point of the earth stands in the picture."""
        return (lon - self.west) * self.across, (self.north - lat) * self.down

    @property
    def _step(self) -> float:
        wanted = 120.0 / self.down
        return next((step for step in _GRID_STEPS if step >= wanted), _GRID_STEPS[-1])

    def meridians(self) -> tuple[Line, ...]:
        """Lines of equal longitude."""
        lines = _lines(self.west, self.east, self._step)
        return tuple(
            Line(round((at - self.west) * self.across, 1), _degrees(at, "E", "W")) for at in lines
        )

    def parallels(self) -> tuple[Line, ...]:
        """Lines of equal latitude."""
        lines = _lines(self.south, self.north, self._step)
        return tuple(
            Line(round((self.north - at) * self.down, 1), _degrees(at, "N", "S")) for at in lines
        )

    @property
    def scale(self) -> tuple[float, float]:
        """A round number of kilometres about a fifth of the picture long, and its length."""
        per_km = self.down / _KM_PER_DEGREE
        most = WIDTH / 5 / per_km
        power = 10.0 ** floor(log10(most))
        length = next(power * step for step in (5, 2, 1) if power * step <= most)
        return length, round(length * per_km, 1)


def _widened(least: float, greatest: float) -> tuple[float, float]:
    lacking = max(0.0, _LEAST_DEGREES - (greatest - least)) / 2
    return least - lacking, greatest + lacking


def _lines(first: float, last: float, step: float) -> list[float]:
    number = floor(first / step) + 1
    found = []
    while number * step < last:
        found.append(number * step)
        number += 1
    return found


def _degrees(value: float, positive: str, negative: str) -> str:
    text = f"{abs(value):.2f}".rstrip("0").rstrip(".")
    return f"{text}°{positive if value >= 0 else negative}"


def _labels(
    placed: Sequence[tuple[Spot, float, float]], groups: Sequence[tuple[str, str]], frame: _Frame
) -> tuple[Label, ...]:
    """A name for each group, the largest first, none over another."""
    by_group: dict[str, list[tuple[float, float]]] = {}
    for spot, x, y in placed:
        by_group.setdefault(spot.group, []).append((x, y))
    names = dict(groups)
    taken: list[tuple[float, float, float, float]] = []
    labels: list[Label] = []
    for key, places in sorted(by_group.items(), key=lambda item: (-len(item[1]), item[0])):
        if key not in names or len(labels) == _MOST_LABELS:
            continue
        half = max(20.0, len(names[key]) * _CHARACTER / 2)
        x = min(max(median(x for x, _ in places), half + 4), WIDTH - half - 4)
        y = min(max(median(y for _, y in places), _LINE), frame.height - _LINE)
        box = (x - half, y - _LINE, x + half, y + _LINE / 2)
        if any(_overlap(box, other) for other in taken):
            continue
        taken.append(box)
        labels.append(Label(key, names[key], round(x, 1), round(y, 1)))
    return tuple(labels)


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return not (one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1])
