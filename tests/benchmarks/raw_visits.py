"""What most would build: a typed table of raw visits, and the card's figures by GROUP BY.

Owns the table, its indexes and the SQL, written to be fast: pairs are complete or NULL, superseded
visits are left out beforehand, each school's divisions are at hand, sums and distinct schools come
from one pass by school. Shares no code with the indicators service; it answers for the synthetic
register, where no school moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, Protocol

import asyncpg
import msgspec

Key = tuple[str, str | None]
Integers = tuple[int, int | None, int, int]
"""Numerator, denominator, visits that answered, distinct schools among them."""
Answer = dict[str, dict[Key, Integers]]
"""Those of each unit, by indicator and split."""

_PAIRS = {
    "student_attendance": ("students", ("boys", "girls", "unspecified"), "enrolled"),
    "teacher_attendance": ("teachers", ("male", "female", "unspecified"), "posted"),
    "non_teaching_attendance": ("non_teaching", ("male", "female", "unspecified"), "posted"),
}
_TOILETS = ("boys", "girls", "shared", "staff")
_GENDERS = ("boys", "girls", "mixed")
_POSTS = (
    *("deo", "ddeo", "adeo", "cluster_head", "learning_coordinator", "rtsm_monitor", "other"),
)
_CELLS = [
    f"{people}_{split}_{part}"
    for people, splits, whole in _PAIRS.values()
    for split in splits
    for part in ("present", whole)
]
_WORDS = ("visit_id", "source", "monitor", "kind", "status", "post", "procurement")
_NUMBERS = (
    *("school", *_CELLS, "official", "env_yes", "env_items", "rooms_usable", "rooms_available"),
    *(f"toilets_{kind}_{part}" for kind in _TOILETS for part in ("usable", "available")),
    "club",
)
COLUMNS = ("day", "visited_at", *_WORDS, *_NUMBERS)


def _row(body: bytes) -> dict[str, Any]:
    form = msgspec.json.decode(body)
    at = datetime.fromisoformat(form["visited_at"])
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"day": at.date(), "visited_at": at, "school": int(form["school_code"])}
    row |= {"visit_id": form["visit_id"], "source": form["source"], "kind": form["visit_type"]}
    row |= {"monitor": form["monitor_id"], "status": form["status"]}
    is_open = form["status"] == "open"
    if is_open:
        for people, splits, whole in _PAIRS.values():
            for split in splits:
                cell = form.get(people, {}).get(split, {})
                if "present" in cell and whole in cell:
                    row[f"{people}_{split}_present"] = cell["present"]
                    row[f"{people}_{split}_{whole}"] = cell[whole]
        words = list(form.get("environment", {}).values())
        if items := words.count("yes") + words.count("no"):
            row |= {"env_yes": words.count("yes"), "env_items": items}
    row["official"] = int(form["oversight"]["official_visit_last_30_days"])
    row["post"] = form["oversight"]["visitor_post"]
    row["rooms_usable"] = form["rooms"]["usable"]
    row["rooms_available"] = form["rooms"]["available"]
    for kind in _TOILETS:
        for part in ("usable", "available"):
            row[f"toilets_{kind}_{part}"] = form["toilets"][kind][part]
    if is_open:
        row["club"] = int(form["participation"]["child_club_formed"])
        row["procurement"] = form["participation"]["feeder_attended_procurement"]
    return row


def row_of(body: bytes) -> tuple[Any, ...]:
    """The row of a visit, in the order of COLUMNS."""
    return tuple(_row(body).values())


def _counted(bodies: Iterable[bytes]) -> Iterator[tuple[Any, ...]]:
    """Rows of the visits that count: of one school, monitor and day the last to be sent."""
    last: dict[tuple[Any, ...], int] = {}
    rows = []
    school, monitor, day = (COLUMNS.index(name) for name in ("school", "monitor", "day"))
    for number, body in enumerate(bodies):
        row = row_of(body)
        last[row[school], row[monitor], row[day]] = number
        rows.append(row)
    kept = set(last.values())
    return (row for number, row in enumerate(rows) if number in kept)


class Registered(Protocol):
    """A register as the synthetic ones are."""

    def unit_bodies(self) -> list[dict[str, Any]]:
        """All units, parents first; of a unit told twice the last holds."""

    def school_bodies(self) -> Iterator[dict[str, Any]]:
        """All schools."""


async def fill(
    connection: asyncpg.Connection, register: Registered, bodies: Iterable[bytes]
) -> None:
    """Make and fill the tables, with the indexes that the questions want, analysed."""
    await make(connection, register)
    rows = _counted(bodies)
    await connection.copy_records_to_table("visits", records=rows, schema_name="raw")
    await index(connection)


async def make(connection: asyncpg.Connection, register: Registered) -> None:
    """Make the tables and fill in the schools; the search path is theirs from now on."""
    types = column_types("integer", "text") | {"day": "date", "visited_at": "timestamptz"}
    declared = ",".join(f"{name} {types[name]}" for name in COLUMNS)
    await connection.execute(
        "CREATE SCHEMA raw; SET search_path = raw;"
        "CREATE TABLE schools (school integer PRIMARY KEY, district text, division text,"
        f" gender text); CREATE TABLE visits ({declared})"
    )
    schools = school_rows(register)
    await connection.copy_records_to_table("schools", records=schools, schema_name="raw")


async def index(connection: asyncpg.Connection) -> None:
    """Make the indexes that the questions want, and look at what there is."""
    await connection.execute(
        "CREATE INDEX ON visits (day); CREATE INDEX ON visits (school, day);"
        "ANALYZE visits; ANALYZE schools"
    )


def column_types(number: str, word: str) -> dict[str, str]:
    """The columns with a type for numbers and one for words; days and times are the caller's."""
    return dict.fromkeys(COLUMNS, number) | dict.fromkeys(_WORDS, word)


def school_rows(register: Registered) -> list[tuple[int, str, str, str]]:
    """Of each school its number, district, division and gender."""
    units = {unit["unit_id"]: unit for unit in register.unit_bodies()}
    rows = []
    for school in register.school_bodies():
        place = units[school["unit_id"]]
        while place["level"] != "district":
            place = units[place["parent_id"]]
        rows.append(
            (
                int(school["school_code"]),
                place["unit_id"],
                place["parent_id"],
                school["gender"],
            )
        )
    return rows


def flow_lines() -> dict[Key, tuple[str, str | None, str]]:
    """Of each line over visits: numerator, denominator and whether a visit answers, as SQL."""
    lines: dict[Key, tuple[str, str | None, str]] = {}
    for indicator, (people, splits, whole) in _PAIRS.items():
        present = [f"{people}_{split}_present" for split in splits]
        enrolled = [f"{people}_{split}_{whole}" for split in splits]
        lines[indicator, None] = (
            "+".join(f"coalesce({cell},0)" for cell in present),
            "+".join(f"coalesce({cell},0)" for cell in enrolled),
            f"coalesce({','.join(present)}) IS NOT NULL",
        )
        for split, above, below in zip(splits, present, enrolled, strict=True):
            lines[indicator, split] = (above, below, f"{above} IS NOT NULL")
    lines["official_visits", None] = ("official", "1", "official IS NOT NULL")
    for post in _POSTS:
        asked = f"official IS NOT NULL AND post = '{post}'"
        lines["official_visits", f"visitor_post:{post}"] = ("official", "1", asked)
    lines["learning_environment", None] = ("env_yes", "env_items", "env_items IS NOT NULL")
    for gender in _GENDERS:
        asked = f"env_items IS NOT NULL AND gender = '{gender}'"
        lines["learning_environment", f"school_gender:{gender}"] = ("env_yes", "env_items", asked)
    lines["visits_made", None] = ("1", None, "true")
    for kind in ("routine", "follow_up", "spot"):
        lines["visits_made", f"visit_type:{kind}"] = ("1", None, f"kind = '{kind}'")
    return lines


ROOT = "PK-BA"
"""What the whole country or province is called, unless a register says otherwise."""
_SETS = "GROUPING SETS ((), (division), (division, district))"


def _unit(root: str, *, children: bool) -> str:
    return f"coalesce(district, division, '{root}')" if children else f"'{root}'"


def _flow_sql(root: str, *, children: bool, naive: bool) -> str:
    lines = list(flow_lines().values())
    if naive:
        asked = ",".join(
            f"sum({above}) FILTER (WHERE {answered}), sum({below or 0}) FILTER (WHERE {answered}),"
            f"count(*) FILTER (WHERE {answered}), count(DISTINCT school) FILTER (WHERE {answered})"
            for above, below, answered in lines
        )
        return (
            f"SELECT {_unit(root, children=children)}, {asked} "
            "FROM visits JOIN schools USING (school) "
            f"WHERE day BETWEEN $1 AND $2 GROUP BY {_SETS if children else '()'}"
        )
    inner = ",".join(
        f"sum({above}) FILTER (WHERE {answered}) a{place},"
        f"sum({below or 0}) FILTER (WHERE {answered}) b{place},"
        f"count(*) FILTER (WHERE {answered}) c{place}"
        for place, (above, below, answered) in enumerate(lines)
    )
    outer = ",".join(
        f"sum(a{place}), sum(b{place}), sum(c{place}), count(*) FILTER (WHERE c{place} > 0)"
        for place in range(len(lines))
    )
    return (
        f"SELECT {_unit(root, children=children)}, {outer} FROM ("
        f"SELECT division, district, school, {inner} FROM visits JOIN schools USING (school) "
        "WHERE day BETWEEN $1 AND $2 GROUP BY division, district, school) AS by_school"
        + (f" GROUP BY {_SETS}" if children else "")
    )


STOCKS: tuple[tuple[str, str, dict[Key, tuple[str, str, str]]], ...] = (
    (
        "rooms_usable IS NOT NULL",
        "rooms_usable, rooms_available",
        {
            ("usable_rooms", None): ("rooms_usable", "rooms_available", "true"),
            **{
                ("usable_rooms", f"school_gender:{gender}"): (
                    "rooms_usable",
                    "rooms_available",
                    f"gender = '{gender}'",
                )
                for gender in _GENDERS
            },
        },
    ),
    (
        "toilets_boys_usable IS NOT NULL",
        ",".join(f"toilets_{kind}_{part}" for kind in _TOILETS for part in ("usable", "available")),
        {
            ("usable_toilets", None): (
                "+".join(f"toilets_{kind}_usable" for kind in _TOILETS),
                "+".join(f"toilets_{kind}_available" for kind in _TOILETS),
                "true",
            ),
            **{
                ("usable_toilets", kind): (
                    f"toilets_{kind}_usable",
                    f"toilets_{kind}_available",
                    "true",
                )
                for kind in _TOILETS
            },
            ("schools_without_toilet", None): (
                f"(({'+'.join(f'toilets_{kind}_available' for kind in _TOILETS)}) = 0)::int",
                "1",
                "true",
            ),
        },
    ),
    ("club IS NOT NULL", "club", {("child_clubs", None): ("club", "1", "true")}),
    (
        "procurement IS NOT NULL",
        "procurement",
        {
            ("procurement_participation", None): (
                "(procurement = 'attended')::int",
                "(procurement IN ('attended', 'invited_absent', 'not_invited'))::int",
                "true",
            )
        },
    ),
    (
        "status IN ('open', 'closed_temporarily')",
        "status",
        {("schools_open", None): ("(status = 'open')::int", "1", "true")},
    ),
    ("true", "status AS any_status", {("schools_known", None): ("1", "1", "true")}),
)
"""Of each group that stands: who answers it, its columns, its lines over the newest answer."""


def _stock_sql(
    root: str,
    condition: str,
    columns: str,
    lines: dict[Key, tuple[str, str, str]],
    *,
    children: bool,
) -> str:
    asked = ",".join(
        f"sum({above}) FILTER (WHERE {answered}), sum({below}) FILTER (WHERE {answered}),"
        f"count(*) FILTER (WHERE {answered}), count(*) FILTER (WHERE {answered})"
        for above, below, answered in lines.values()
    )
    return (
        f"SELECT {_unit(root, children=children)}, {asked} FROM ("
        f"SELECT DISTINCT ON (school) school, {columns} FROM visits "
        f"WHERE day > $1::date - $2::integer AND day <= $1::date AND {condition} "
        "ORDER BY school, visited_at DESC, visit_id DESC"
        ") AS latest JOIN schools USING (school)" + (f" GROUP BY {_SETS}" if children else "")
    )


async def figures(
    connection: asyncpg.Connection,
    first: date,
    last: date,
    *,
    children: bool = True,
    naive: bool = False,
    look_back: int = 365,
    root: str = ROOT,
) -> Answer:
    """All figures of the province, and of its divisions and districts, of one window."""
    where = f"GROUP BY {_SETS}" if children else ""
    unit = _unit(root, children=children)
    found: Answer = {}
    registered: dict[str, int] = {}
    for row in await connection.fetch(f"SELECT {unit}, count(*) FROM schools {where}"):
        registered[row[0]] = row[1]
        found[row[0]] = {}
    rows = await connection.fetch(_flow_sql(root, children=children, naive=naive), first, last)
    _take(found, rows, list(flow_lines()))
    for condition, columns, lines in STOCKS:
        sql = _stock_sql(root, condition, columns, lines, children=children)
        _take(found, await connection.fetch(sql, last, look_back), list(lines))
    return completed(found, registered)


def completed(found: Answer, registered: dict[str, int]) -> Answer:
    """The answer with what follows from it: counts without a denominator, coverage."""
    counts = {key for key, (_, below, _) in flow_lines().items() if below is None}
    for unit_id, lines_of in found.items():
        for key in counts & lines_of.keys():
            above, _, visits, schools = lines_of[key]
            lines_of[key] = (above, None, visits, schools)
        total = registered[unit_id]
        known = lines_of.get(("schools_known", None), (0, 0, 0, 0))
        lines_of["schools_known", None] = (known[0], total, known[2], known[3])
        made = lines_of.get(("visits_made", None), (0, None, 0, 0))
        lines_of["coverage", None] = (made[3], total, made[2], made[3])
    return found


def _take(found: Answer, rows: Iterable[Any], keys: list[Key]) -> None:
    for row in rows:
        lines = found[row[0]]
        for place, key in enumerate(keys):
            above, below, visits, schools = row[1 + 4 * place : 5 + 4 * place]
            lines[key] = (int(above or 0), int(below or 0), int(visits or 0), int(schools or 0))
