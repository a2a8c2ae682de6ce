"""Bulk reads: the same figures and visits as everywhere else, in three formats, in small pieces."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.indicators.bulk import Batch, Column
from services.indicators.bulk_formats import writer
from tests.histories.generator import TODAY, random_history, unit_ids
from tests.histories.player import Player
from tests.oracle.figures import Oracle
from tests.oracle.register import canonical
from tests.support.embedded import Embedded, embedded

ASKED = {"period": "2018-03..2018-05"}
UNIT = "PK-BA"


class Played:
    """A deployment in which a history has happened, and what the oracle makes of it."""

    def __init__(self, house: Embedded, log: list[Any]) -> None:
        self.house = house
        self.client = house.client
        self.oracle = Oracle(log)
        self.units = unit_ids(log)

    async def rows(self, path: str, client: httpx.AsyncClient | None = None, **asked: Any) -> Any:
        answer = await (client or self.client).get(path, params=ASKED | asked)
        assert answer.status_code == 200, answer.text
        assert {"as-of", "lag-seconds", "figures-version"} <= set(answer.headers)
        return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture(scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    folder = tmp_path_factory.mktemp("bulk")
    async with embedded(folder, services=["ingest", "indicators"]) as house:
        log = await Player(house.client, TODAY, batch="ndjson").play(random_history(31, 140))
        await house.drain()
        yield Played(house, log)


async def test_figures_are_those_of_every_unit_answered_alone(played: Played) -> None:
    told: dict[tuple[str, str], list[Any]] = {}
    path = f"/v1/units/{UNIT}/bulk/figures"
    for row in await played.rows(path, by="month", schools="true"):
        told.setdefault((row["unit_id"], row["period"]), []).append(row)
    assert {unit for unit, _ in told} >= {UNIT}
    assert any(unit.startswith("school:") for unit, _ in told)
    for (unit, period), rows in sorted(told.items())[::3]:
        answer = await played.client.get(f"/v1/units/{unit}/figures", params={"period": period})
        alone = answer.json()
        figures = [
            {name: figure[name] for name in rows[0].keys() & figure.keys()}
            | dict(zip(("low", "high"), figure["interval"] or (None, None), strict=True))
            for figure in alone["figures"]
        ]
        shown = figures[0].keys()
        assert [{name: row[name] for name in shown} for row in rows] == figures
        assert {row["state_on"] for row in rows} == {alone["state_on"]}


async def test_visits_that_count_are_the_oracles_with_what_they_measured(played: Played) -> None:
    for unit in played.units:
        rows = await played.rows(f"/v1/units/{unit}/bulk/visits")
        counted = {(row["visit_id"], row["day"]): row for row in rows if row["counted"]}
        meant = {
            (visit.visit_id, day.isoformat()): visit
            for day, code, visit in played.oracle.visits
            if "2018-03-01" <= day.isoformat() <= "2018-05-31"
            and played.oracle.register.belongs(code, unit, day)
        }
        assert counted.keys() == meant.keys()
        for key, visit in meant.items():
            row = counted[key]
            assert canonical(row["school_code"]) == visit.code
            girls = ((visit.form.get("students") or {}).get("girls")) or {}
            full = visit.form["status"] == "open" and None not in (
                girls.get("present"),
                girls.get("enrolled"),
            )
            assert row["students_girls_present"] == (girls["present"] if full else None)
        assert all(row["reason"] for row in rows if not row["counted"])
    province = await played.rows(f"/v1/units/{UNIT}/bulk/visits")
    assert {row["reason"] for row in province} > {None}


@pytest.mark.parametrize("what", ["figures", "visits"])
async def test_the_three_formats_say_the_same(played: Played, what: str) -> None:
    path = f"/v1/units/{UNIT}/bulk/{what}"
    lines = await played.rows(path)
    assert lines
    table = await played.client.get(path, params=ASKED | {"format": "parquet"})
    assert table.headers["content-type"] == "application/vnd.apache.parquet"
    read = pq.read_table(io.BytesIO(table.content))
    assert read.schema.metadata[b"version"].decode() == table.headers["figures-version"]
    for column, values in read.to_pydict().items():
        meant = [line[column] for line in lines]
        if read.schema.field(column).type == pa.date32():
            meant = [date.fromisoformat(text) for text in meant]
        elif read.schema.field(column).type == pa.timestamp("us", tz="UTC"):
            meant = [datetime.fromisoformat(text) for text in meant]
        assert values == meant, column
    answer = await played.client.get(path, params=ASKED, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        for name, value in line.items():
            meant_cell = "" if value is None else str(value)
            if isinstance(value, bool):
                meant_cell = meant_cell.lower()
            assert row[name].removeprefix("'") == meant_cell, name


async def test_who_may_read_whose_visits(played: Played) -> None:
    access = played.house.platform.access
    path = f"/v1/units/{UNIT}/bulk/visits"
    always = {"period": "2018-01..2019-05"}
    every = {row["source"] for row in await played.rows(path, **always)}
    assert len(every) > 1
    keys = {
        "own": await access.create_key("own", ["visits:read"], source="partner-b"),
        "reviewer": await access.create_key("reviewer", ["visits:read", "visits:review"]),
        "district": await access.create_key("d", ["visits:read"], units=["PK-BA-QTA"]),
        "cards": await access.create_key("cards", ["cards:read"]),
    }
    transport = httpx.ASGITransport(app=played.house.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rtsm.example") as client:

        def who(name: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {keys[name][0]}"}

        client.headers = httpx.Headers(who("own"))
        assert {row["source"] for row in await played.rows(path, client, **always)} == {"partner-b"}
        client.headers = httpx.Headers(who("reviewer"))
        assert {row["source"] for row in await played.rows(path, client, **always)} == every
        for name, status in (("cards", 403), ("district", 404)):
            answer = await client.get(path, params=ASKED, headers=who(name))
            assert answer.status_code == status


async def test_bad_questions_name_the_field(played: Played) -> None:
    for what, asked, pointer in (
        ("figures", {"format": "xml"}, "/query/format"),
        ("figures", {"by": "week"}, "/query/by"),
        ("figures", {"depth": "0"}, "/query/depth"),
        ("figures", {"schools": "yes"}, "/query/schools"),
        ("visits", {"period": "2018-3"}, "/query/period"),
    ):
        answer = await played.client.get(f"/v1/units/{UNIT}/bulk/{what}", params=ASKED | asked)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_parquet_leaves_in_row_groups_and_keeps_nothing() -> None:
    columns = [Column("name", "text"), Column("day", "day"), Column("at", "instant")]
    made = writer("parquet", columns, {"unit": "P"})
    pieces = [
        made.batch(Batch([["=1+1"] * 5_000, [17_595] * 5_000, [None] * 5_000], 5_000))
        for _ in range(12)
    ]
    assert sum(bool(piece) for piece in pieces) in {3, 4}
    read = pq.ParquetFile(io.BytesIO(b"".join([*pieces, made.end()])))
    assert (read.num_row_groups, read.metadata.num_rows) == (3, 60_000)
    assert read.read_row_group(0).to_pylist()[0]["day"].isoformat() == "2018-03-05"


def test_csv_marks_what_a_spreadsheet_would_run() -> None:
    made = writer("csv", [Column("name", "text"), Column("n", "whole")], {})
    told = made.batch(Batch([["=1+1", "@x", "Quetta"], [-3, 0, 1]], 3)) + made.end()
    assert told.decode("utf-8-sig").splitlines() == ["name,n", "'=1+1,-3", "'@x,0", "Quetta,1"]
