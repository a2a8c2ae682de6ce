"""Builders of made-up cards, small and large, for the tests of this folder and of the browser."""

import random
from dataclasses import replace
from datetime import date
from fractions import Fraction

from services.reports.card import Gathered
from services.reports.figures import Figure, FigureSet, Indicator, Moved, Place, Point, Target
from shared.domain.intervals import wilson

STOCK = {
    "usable_rooms",
    "usable_toilets",
    "child_clubs",
    "procurement_participation",
    "schools_open",
    "schools_known",
    "schools_without_toilet",
}
CENSUS = {"coverage", "schools_known"}
SHARES = {
    "student_attendance": (0.74, 32, ("boys", "girls", "unspecified")),
    "teacher_attendance": (0.71, 4, ("male", "female", "unspecified")),
    "non_teaching_attendance": (0.86, 2, ("male", "female", "unspecified")),
    "official_visits": (0.70, 1, ()),
    "usable_rooms": (0.82, 4, ("school_gender:boys", "school_gender:girls")),
    "usable_toilets": (0.48, 2, ("boys", "girls", "shared", "staff")),
    "learning_environment": (0.36, 9, ("school_gender:boys", "school_gender:girls")),
    "child_clubs": (0.28, 1, ()),
    "procurement_participation": (0.41, 1, ()),
    "schools_open": (0.93, 1, ()),
    "schools_known": (0.9, 1, ()),
    "coverage": (0.88, 1, ()),
    "schools_without_toilet": (0.22, 1, ()),
}
CATALOGUE = {
    code: Indicator(
        code,
        basis="stock" if code in STOCK else "flow",
        direction="lower" if code == "schools_without_toilet" else "higher",
    )
    for code in (*SHARES, "visits_made")
}
FIRST, LAST = date(2018, 1, 1), date(2019, 5, 31)


def a_figure(
    numerator: int = 74,
    denominator: int | None = 100,
    *,
    indicator: str = "student_attendance",
    split: str | None = None,
    schools: int = 20,
    visits: int = 40,
    interval: tuple[float, float] | None = None,
    state: str = "value",
    reliable: bool = True,
) -> Figure:
    return Figure(
        indicator, split, numerator, denominator, visits, schools, interval, state, reliable
    )


def a_place(
    unit_id: str = "PK-BA-QTA",
    name: str = "Quetta",
    level: str = "district",
    parent: str | None = "PK-BA-D1",
    **names: str,
) -> Place:
    return Place(unit_id, name, level, names, parent)


def figures_of(
    place: Place, *, schools: int = 400, seed: int = 1, shift: float = 0.0, period: str = ""
) -> FigureSet:
    """All figures of a unit with `schools` schools, near the circular's, moved by `shift`."""
    luck = random.Random(f"{place.unit_id}{seed}")
    visited = round(schools * luck.uniform(0.78, 0.97)) if schools > 1 else schools
    visits = visited * 4
    figures: dict[tuple[str, str | None], Figure] = {}
    for code, (share, weight, splits) in SHARES.items():
        here = min(0.98, max(0.02, share + shift + luck.gauss(0, 0.06)))
        whole = schools if code in CENSUS else (visited if code in STOCK else visits) * weight
        parts = [(None, 1.0, here)]
        if splits:
            sizes = [1 / len(splits)] * len(splits)
            parts += [
                (split, size, min(0.99, max(0.01, here + luck.gauss(0, 0.04))))
                for split, size in zip(splits, sizes, strict=True)
                if split != "unspecified"
            ]
        for split, size, value in parts:
            count = max(1, round(whole * size))
            yes = round(count * value)
            ends = wilson(yes / count, max(1.0, count / (1 + weight / 3)), 0.9)
            figures[code, split] = Figure(
                code,
                split,
                yes,
                count,
                visited if code in STOCK else visits,
                visited,
                (yes / count, yes / count) if code in CENSUS else ends,
                "value",
                visited >= 5 and visits >= 10,
            )
    figures["visits_made", None] = Figure("visits_made", None, visits, None, visits, visited)
    known = figures["coverage", None]
    return FigureSet(
        place=place,
        period=period or "2018-01..2019-05",
        first=FIRST,
        last=LAST,
        state_on=LAST,
        as_of="2019-06-03T04:12:33.000000Z",
        lag_seconds=0.4,
        version="812.14.1",
        view="as_was",
        visits=visits,
        schools_visited=known.numerator,
        schools_registered=schools,
        coverage=known.numerator / schools,
        newest_visit=LAST,
        figures=figures,
    )


def months() -> list[str]:
    return [f"{2018 + m // 12}-{m % 12 + 1:02d}" for m in range(17)]


def a_point(month: str, value: float | None) -> Point:
    first = date.fromisoformat(f"{month}-01")
    return Point(
        month, value if value is None else round(value, 6), 0 if value is None else 90, first
    )


def a_trend(share: float, seed: str) -> tuple[Point, ...]:
    luck = random.Random(seed)
    level, points = share - 0.05, []
    for index, month in enumerate(months()):
        level += luck.gauss(0.004, 0.02)
        gap = index == 6
        points.append(a_point(month, None if gap else min(1, max(0, level))))
    return tuple(points)


PROVINCE = a_place("PK-BA", "Balochistan", "province", None, ur="بلوچستان")
DIVISION = a_place("BA-QTA-DIV", "Quetta Division", "division", "PK-BA", ur="کوئٹہ ڈویژن")
DISTRICT = a_place("BA-QTA", "Quetta", "district", "BA-QTA-DIV", ur="کوئٹہ")
CLUSTER = a_place(
    "BA-QTA-C07",
    "Govt. Girls High School Killi Shabozai",
    "cluster",
    "BA-QTA",
    ur="گورنمنٹ گرلز ہائی اسکول کلی شابوزئی",
)
NAMES = ("Killi Ismail", "Hanna Urak", "Sariab", "Nawa Killi", "Pashtoonabad", "Kuchlak", "Chiltan")
NAMES_UR = ("کلی اسماعیل", "ہنہ اوڑک", "سریاب", "نواں کلی", "پشتون آباد", "کچلاک", "چلتن")
TARGETS = {
    ("PK-BA", code, None): [
        Target(
            code, None, "PK-BA", FIRST, date(2020, 12, 31), Fraction(base, 100), Fraction(goal, 100)
        )
    ]
    for code, base, goal in (
        ("student_attendance", 70, 80),
        ("teacher_attendance", 68, 85),
        ("non_teaching_attendance", 80, 85),
        ("usable_rooms", 75, 90),
        ("usable_toilets", 45, 60),
        ("learning_environment", 30, 50),
    )
}


def gathered(
    chain: tuple[Place, ...] = (DISTRICT, DIVISION, PROVINCE),
    *,
    schools: int = 400,
    children: int = 31,
    siblings: int = 6,
) -> Gathered:
    """A whole card's input: a district of 31 clusters unless told otherwise."""
    own_place = chain[0]
    own = figures_of(own_place, schools=schools)
    below = {"province": "division", "division": "district", "district": "cluster"}
    level = below.get(own_place.level, "school")
    under = []
    for number in range(children):
        name = f"{NAMES[number % 7]} {number // 7 + 1}"
        ur = f"{NAMES_UR[number % 7]} {number // 7 + 1}"
        kind = ("GGPS", "GBPS")[number % 2]
        place = a_place(
            f"{own_place.unit_id}-{number:02d}",
            f"{kind} {name}" if level == "school" else name,
            level,
            own_place.unit_id,
            ur=f"گورنمنٹ پرائمری اسکول {ur}" if level == "school" else ur,
        )
        size = 1 if level == "school" else 4 if number == 3 else 12 + number % 5
        under.append(figures_of(place, schools=size, shift=(number % 9 - 4) / 60))
    parent = figures_of(chain[1], schools=schools * 5) if len(chain) > 1 else None
    others = [
        figures_of(
            a_place(f"S{number}", f"Sibling {number}", own_place.level),
            schools=schools,
            seed=number,
            shift=(number - 3) / 60,
        )
        for number in range(siblings - 1)
    ]
    return Gathered(
        own=own,
        chain=chain,
        parent=parent,
        previous=figures_of(own_place, schools=schools, seed=2, shift=-0.03) if parent else None,
        siblings=(own, *others) if len(chain) > 1 else (),
        children=tuple(under),
        trends={code: a_trend(share, code) for code, (share, _, _) in SHARES.items()},
        targets=TARGETS,
        catalogue=CATALOGUE,
        year_ago=figures_of(own_place, schools=schools, seed=3, shift=-0.06) if parent else None,
        moved={code: Moved(Fraction(1, 50), Fraction(1, 100), 12) for code in SHARES}
        if parent
        else {},
    )


def replaced(whole: Gathered, **parts: object) -> Gathered:
    """A card's input with some parts exchanged."""
    return replace(whole, **parts)  # type: ignore[arg-type]


def replaced_place(whole: FigureSet, **parts: object) -> FigureSet:
    """The figures of a unit called otherwise."""
    return replace(whole, place=replace(whole.place, **parts))  # type: ignore[arg-type]


def without_visits(whole: FigureSet) -> FigureSet:
    """The unit as it is when nobody came: nothing measured, coverage zero."""
    empty = {
        key: replace(
            figure,
            numerator=0,
            denominator=figure.denominator if figure.indicator in CENSUS else 0,
            visits=0,
            schools=0,
            interval=(0.0, 0.0) if figure.indicator in CENSUS else None,
            state="value" if figure.indicator in CENSUS else "not_measured",
            reliable=figure.indicator in CENSUS,
        )
        for key, figure in whole.figures.items()
    }
    return replace(whole, visits=0, schools_visited=0, newest_visit=None, figures=empty)


def a_school() -> Place:
    """A school, whose names are English only."""
    return a_place(
        "school:02399", "Government Boys High School Shahr Nigand", "school", CLUSTER.unit_id
    )
