"""What a column store would do: ClickHouse (in this process, by chdb) with summing views.

Owns its tables and its SQL, written to be fast. Every visit stands in a table in the order of
school and day. A materialised view sums the flows of each district and month (SummingMergeTree);
another keeps the set of schools that gave each answer, as bitmaps, so that distinct schools are
counted without the visits. What stands on a day no view can keep for every day: it is the newest
answer of each school, from the visits of the look-back. Answers as `raw_visits` does, of whole
months.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
from chdb.session import Session

from tests.benchmarks import raw_visits
from tests.benchmarks.raw_visits import Answer, Key

_VIEW = "SummingMergeTree"
_PLACE = "division LowCardinality(String), district LowCardinality(String)"
_LEVELS = "(), (division), (division, district)"


class ClickHouse:
    """The column store in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._session = Session(str(folder))
        self._flows = raw_visits.flow_lines()
        self._ask("CREATE DATABASE IF NOT EXISTS country")
        self._ask("USE country")

    def close(self) -> None:
        """Let go of the folder."""
        self._session.close()

    def _ask(self, sql: str) -> list[list[Any]]:
        answer = str(self._session.query(sql, "JSONCompactEachRow"))
        return [json.loads(line) for line in answer.splitlines()]

    def filled(self) -> int:
        """How many visits it holds; 0 when it is new."""
        if not self._ask("EXISTS TABLE loaded")[0][0]:
            return 0
        return int(self._ask("SELECT count() FROM visits")[0][0])

    async def fill(self, connection: asyncpg.Connection, scratch: Path) -> None:
        """Take over the raw visits of a PostgreSQL database, by a file of CSV."""
        file = scratch / "visits.csv"
        columns = ",".join(f"v.{name}" for name in raw_visits.COLUMNS if name != "source")
        try:
            await connection.copy_from_query(
                f"SELECT division, district, gender, {columns} FROM visits v "
                "JOIN schools USING (school) ORDER BY v.school, v.day",
                output=file,
                format="csv",
                timeout=3_600,
            )
            self._make()
            self._ask(f"INSERT INTO visits SELECT * FROM file('{file}', CSV, '{self._columns()}')")
        finally:
            file.unlink(missing_ok=True)
        self._registered(await connection.fetch("SELECT * FROM schools"))
        for table in ("visits", "months", "seen"):
            self._ask(f"OPTIMIZE TABLE {table} FINAL")
        self._ask("CREATE TABLE loaded (done UInt8) ENGINE = MergeTree ORDER BY done")

    def _columns(self) -> str:
        kinds = raw_visits.column_types("Nullable(Int32)", "LowCardinality(Nullable(String))")
        kinds |= {"day": "Date32", "visited_at": "DateTime('UTC')", "school": "Int32"}
        kinds["visit_id"] = "String"
        named = ",".join(f"{name} {kind}" for name, kind in kinds.items() if name != "source")
        return f"{_PLACE}, gender LowCardinality(String), {named}".replace("'", "\\'")

    def _make(self) -> None:
        for table in ("loaded", "months_view", "seen_view", "months", "seen", "visits", "schools"):
            self._ask(f"DROP TABLE IF EXISTS {table}")
        columns = self._columns().replace("\\'", "'")
        self._ask(f"CREATE TABLE visits ({columns}) ENGINE = MergeTree ORDER BY (school, day)")
        numbers = range(len(self._flows))
        sums = ",".join(f"a{n} Int64, b{n} Int64, c{n} Int64" for n in numbers)
        self._ask(
            f"CREATE TABLE months ({_PLACE}, month Date32, {sums}) ENGINE = {_VIEW} "
            "ORDER BY (division, district, month)"
        )
        summed = ",".join(
            f"ifNull(sumIf({above}, {answered}), 0) AS a{n}, "
            f"ifNull(sumIf({below or 0}, {answered}), 0) AS b{n}, "
            f"countIf({answered}) AS c{n}"
            for n, (above, below, answered) in enumerate(self._flows.values())
        )
        by_month = "GROUP BY division, district, month"
        month = "division, district, toStartOfMonth(day) AS month"
        self._ask(
            "CREATE MATERIALIZED VIEW months_view TO months AS "
            f"SELECT {month}, {summed} FROM visits {by_month}"
        )
        state = "AggregateFunction(groupBitmap, UInt32)"
        states = ",".join(f"s{n} {state}" for n in numbers)
        self._ask(
            f"CREATE TABLE seen ({_PLACE}, month Date32, {states}) ENGINE = AggregatingMergeTree "
            "ORDER BY (division, district, month)"
        )
        kept = ",".join(
            f"groupBitmapStateIf(toUInt32(school), {answered}) AS s{n}"
            for n, (_, _, answered) in enumerate(self._flows.values())
        )
        self._ask(
            "CREATE MATERIALIZED VIEW seen_view TO seen AS "
            f"SELECT {month}, {kept} FROM visits {by_month}"
        )
        self._ask(
            f"CREATE TABLE schools ({_PLACE}, school Int32) ENGINE = MergeTree ORDER BY school"
        )

    def _registered(self, rows: Iterable[Any]) -> None:
        values = ",".join(f"('{r['division']}','{r['district']}',{r['school']})" for r in rows)
        self._ask(f"INSERT INTO schools VALUES {values}")

    def figures(self, first: date, last: date, root: str, look_back: int = 365) -> Answer:
        """All figures of the country, its divisions and districts, over whole months."""
        found, registered = self.flows(first, last, root)
        self._stocks(found, last, root, look_back)
        return raw_visits.completed(found, registered)

    def flows(self, first: date, last: date, root: str) -> tuple[Answer, dict[str, int]]:
        """What the views hold, and how many schools each unit has."""
        found: Answer = {}
        unit = _unit(root)
        registered = {}
        by_level = f"GROUP BY GROUPING SETS ({_LEVELS})"
        for name, count in self._ask(f"SELECT {unit}, count() FROM schools {by_level}"):
            registered[name], found[name] = int(count), {}
        numbers = range(len(self._flows))
        within = f"WHERE month BETWEEN '{first}' AND '{last}' {by_level}"
        sums = ",".join(f"sum(a{n}), sum(b{n}), sum(c{n})" for n in numbers)
        sets = ",".join(f"groupBitmapMerge(s{n})" for n in numbers)
        schools = {
            row[0]: row[1:] for row in self._ask(f"SELECT {unit}, {sets} FROM seen {within}")
        }
        for name, *row in self._ask(f"SELECT {unit}, {sums} FROM months {within}"):
            for n, key in enumerate(self._flows):
                above, below, visits = (int(value) for value in row[3 * n : 3 * n + 3])
                found[name][key] = (above, below, visits, int(schools[name][n]))
        return found, registered

    def _stocks(self, found: Answer, last: date, root: str, look_back: int) -> None:
        """What stands on a day: of each school the newest answer of each group, in one pass."""
        inner, outer, keys = [], [], []
        for group, (condition, columns, lines) in enumerate(raw_visits.STOCKS):
            names = [column.split(" AS ")[0].strip() for column in columns.split(",")]
            named = [column.split(" AS ")[-1].strip() for column in columns.split(",")]
            newest = f"argMaxIf(tuple({','.join(names)}), (visited_at, visit_id), {condition})"
            inner.append(f"{newest} AS g{group}, countIf({condition}) > 0 AS has{group}")
            for key, line in lines.items():
                above, below, answered = (_within(sql, named, group) for sql in line)
                chosen = f"has{group} AND {answered}"
                outer.append(
                    f"sumIf({above}, {chosen}), sumIf({below}, {chosen}), countIf({chosen})"
                )
                keys.append(key)
        rows = self._ask(
            f"SELECT {_unit(root)}, {','.join(outer)} FROM "
            f"(SELECT division, district, gender, school, {','.join(inner)} FROM visits "
            f"WHERE day > toDate32('{last}') - {look_back} "
            f"AND day <= '{last}' GROUP BY division, district, gender, school) "
            f"GROUP BY GROUPING SETS ({_LEVELS})"
        )
        for name, *row in rows:
            _take(found[name], keys, row)


def _unit(root: str) -> str:
    return f"if(district != '', district, if(division != '', division, '{root}'))"


def _take(lines: dict[Key, tuple[int, int | None, int, int]], keys: list[Key], row: Any) -> None:
    for place, key in enumerate(keys):
        above, below, count = (int(value or 0) for value in row[3 * place : 3 * place + 3])
        lines[key] = (above, below, count, count)


def _within(sql: str, columns: list[str], group: int) -> str:
    """An expression over the columns of a group's newest answer."""
    for place, name in enumerate(columns, 1):
        sql = sql.replace(name, f"g{group}.{place}")
    return sql.replace("::int", "")
