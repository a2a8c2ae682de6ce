"""The documented example of docs/registers.md: real lists, and made-up ones with the same dirt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import Embedded, embedded

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "registers"
REAL = ROOT.parent / "shared" / "data" / "real" / "balochistan_emis"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def content_of(path: Path) -> bytes:
    return path.read_bytes()


class Office:
    """A deployment with the example's units and mappings, and short words for its lists."""

    def __init__(self, running: Embedded) -> None:
        self.running = running
        self.client = running.client

    async def begin(self) -> None:
        for path in sorted((EXAMPLES / "mappings").glob("*.json")):
            answer = await self.client.put(
                f"/v1/mappings/{path.stem}", json=json.loads(path.read_text(encoding="utf-8"))
            )
            assert answer.status_code == 200, (path.stem, answer.text)
        for name, rows in (("balochistan_units", 201), ("balochistan_reorganisations", 37)):
            job, losses = await self.imported(EXAMPLES / f"{name}.csv", "balochistan-units")
            assert (job["accepted"], job["rejected"]) == (rows, 0), losses

    async def imported(
        self, path: Path, mapping: str
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The finished job, and its report without the columns that were not mapped."""
        kind = "units" if mapping == "balochistan-units" else "schools"
        answer = await self.client.post(
            "/v1/imports",
            params={"kind": kind, "mapping": mapping},
            content=content_of(path),
            headers={"Content-Type": XLSX if path.suffix == ".xlsx" else "text/csv"},
        )
        assert answer.status_code == 202, answer.text
        await self.running.drain()
        place = f"/v1/imports/{answer.json()['import_id']}"
        job = (await self.client.get(place)).json()
        assert job["state"] == "finished", job
        report = await self.client.get(f"{place}/report", params={"limit": 1000})
        losses = [each for each in report.json()["losses"] if each["code"] != "column_ignored"]
        return job, losses

    async def school(self, code: str) -> dict[str, Any]:
        answer = await self.client.get("/v1/schools", params={"school": code})
        [record] = answer.json()["schools"]
        found: dict[str, Any] = record
        return found


@pytest.fixture(params=["sqlite", "postgresql"])
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    more: dict[str, Any] = {"services": ["ingest"]}
    if request.param == "postgresql":
        more["database_url"] = request.getfixturevalue("postgres_url")
    async with embedded(tmp_path, **more) as running:
        made = Office(running)
        await made.begin()
        yield made


def told(losses: list[dict[str, Any]]) -> set[tuple[int, str, str]]:
    return {
        (each["row"], each["code"], each["effect"])
        for each in losses
        if each["code"] != "unit_by_name"
    }


async def test_a_dirty_sheet_goes_in_and_every_fault_is_told(office: Office) -> None:
    path = EXAMPLES / "lookalike_annual_sheet.csv"
    job, losses = await office.imported(path, "emis-annual-sheet")
    assert (job["rows"], job["accepted"], job["unchanged"], job["rejected"]) == (10, 7, 1, 2)
    assert told(losses) == {
        (3, "not_finite", "cell_left_out"),
        (4, "swapped_point", "cell_left_out"),
        (4, "missing_mark", "cell_left_out"),
        (5, "double_row", "noted"),
        (6, "number_with_unit", "cell_left_out"),
        (7, "half_a_point", "cell_left_out"),
        (9, "outside_area", "cell_left_out"),
        (10, "unknown_unit", "row_refused"),
        (11, "total_row", "row_refused"),
    } | {(5, "swapped_point", "cell_left_out"), (5, "missing_mark", "cell_left_out")}
    first = await office.school("1901")
    assert (first["school_code"], first["unit_id"]) == ("01901", "PK-BA-ZRT-SINJAWI")
    assert (first["zone"], first["gender"], first["status"]) == ("summer", "boys", "open")
    assert (first["lat"], first["lon"]) == (30.4279, 67.7759)
    assert first["attributes"]["water_distance_m"] == 250
    assert first["attributes"]["pole_distance_m"] == 0
    assert first["attributes"]["enrolled_by_profile"] == 64
    assert first["attributes"]["enrolled_by_entry"] == 59
    second = await office.school("1902")
    assert second["name"] == "GGPS EXAMPLE MANA"
    assert second["attributes"]["cluster_code"] == "GBHS EXAMPLE MANA"
    assert "enrolled_by_profile" not in second["attributes"]
    assert (await office.school("1903"))["lat"] is None
    assert (await office.school("9904"))["unit_id"] == "PK-BA-JFB-JHAT-PAT"
    assert (await office.school("9906"))["unit_id"] == "PK-BA-MTG"
    assert (await office.school("9907"))["unit_id"] == "PK-BA-KEC-DASHT"


async def test_what_nobody_knows_is_offered_and_enters_once_it_is_declared(office: Office) -> None:
    path = EXAMPLES / "lookalike_annual_sheet.csv"
    _, losses = await office.imported(path, "emis-annual-sheet")
    [unknown] = [each for each in losses if each["code"] == "unknown_unit"]
    assert "PK-BA-ZRT-ZIARAT" in unknown["fix"]
    listed = await office.client.get("/v1/units", params={"q": "PK-BA-ZRT-ZIARAT"})
    [tehsil] = listed.json()["units"]
    kept = ("unit_id", "name", "level", "parent_id", "valid_from")
    body = {key: tehsil[key] for key in kept} | {"aliases": ["Ziaratt Ziarrat"]}
    assert (await office.client.put("/v1/units", json=[body])).json()["changed"] == 1
    job, _ = await office.imported(path, "emis-annual-sheet")
    assert (job["accepted"], job["unchanged"], job["rejected"]) == (1, 8, 1)
    assert (await office.school("9908"))["unit_id"] == "PK-BA-ZRT-ZIARAT"


async def test_points_are_turned_round_where_the_mapping_says_so(office: Office) -> None:
    path = EXAMPLES / "lookalike_non_formal.csv"
    job, losses = await office.imported(path, "non-formal-schools")
    assert (job["rows"], job["accepted"], job["rejected"]) == (5, 4, 1)
    assert told(losses) == {
        (2, "swapped_point", "noted"),
        (3, "swapped_point", "noted"),
        (5, "no_fix", "cell_left_out"),
        (6, "total_row", "row_refused"),
    }
    turned = await office.school("BEF901")
    assert (turned["lat"], turned["lon"]) == (28.325458, 68.327275)
    mixed = await office.school("NCHD_901")
    assert (mixed["gender"], mixed["unit_id"]) == ("mixed", "PK-BA-ZRT-SINJAWI")


# List, mapping, schools in it, and how many of them no list before has (the others replace).
LISTS = [
    ("government_school_points_8624.csv", "points-without-codes", 8624),
    ("schools_outside_killa_saifullah.csv", "district-points", 621),
    ("bef_schools_coordinates.csv", "bef-points", 690),
    ("nonformal_bec_nchd_bef_schools.xlsx", "non-formal-schools", 1537),
    ("quetta_registry.xlsx", "quetta-register", 687),
    ("ziarat_registry_session10.xlsx", "emis-register", 300),
    ("emis_census_session9_first_rows.csv", "emis-register", 5),
    ("emis_flatsheet_206_schools.csv", "emis-annual-sheet", 206),
]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real lists are not here")
@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
async def test_no_school_of_the_real_lists_is_lost(office: Office) -> None:
    effects: Counter[tuple[str, str]] = Counter()
    for name, mapping, schools in LISTS:
        job, losses = await office.imported(REAL / name, mapping)
        assert (job["rows"], job["rejected"]) == (schools, 0), (name, losses[:5])
        assert job["accepted"] + job["unchanged"] == schools, name
        effects.update((each["code"], each["effect"]) for each in losses)
        again, _ = await office.imported(REAL / name, mapping)
        assert (again["accepted"], again["unchanged"]) == (0, schools), name
    assert effects[("swapped_point", "noted")] == 533
    assert effects[("outside_area", "cell_left_out")] == 6
    assert not any(effect == "row_refused" for _, effect in effects)
    points, _ = await office.imported(REAL / "killa_saifullah_gps.xlsx", "district-points-workbook")
    assert points["rejected"] == 0
    one = await office.school("1001")
    assert (one["school_code"], one["unit_id"]) == ("01001", "PK-BA-ZRT-ZIARAT")
    found = await office.client.get("/v1/schools/candidates", params={"name": "GBMIDS SASSAN MANA"})
    offered = [each["school_code"] for each in found.json()["candidates"]]
    assert "01001" in offered
