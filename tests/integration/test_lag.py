"""Every answer about figures says how late it is, by the same names, whatever its form."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.embedded import embedded

UNIT = "/v1/units/{unit_id}"
FIGURE = UNIT + "/figures/{indicator}"
OF_FIGURES: dict[str, dict[str, str]] = {
    "/v1/figures/version": {},
    **{UNIT + path: {} for path in ("/figures", "/series", "/change", "/children/figures")},
    **{FIGURE + path: {} for path in ("/series", "/children", "/evidence", "/change")},
    UNIT + "/lists": {},
    UNIT + "/lists/{list_name}": {},
    UNIT + "/seal": {"known_at": "2019-06-03T04:00:00Z", "seal": "x"},
}
OTHERS = {
    "/v1/indicators",
    "/v1/search",
    "/v1/resemblance",
    UNIT,
    *(UNIT + path for path in ("/children", "/schools", "/bulk/figures", "/bulk/visits")),
}
NO_FIGURES = {"/v1/stream"}
NAMES = {"unit_id": "C", "indicator": "student_attendance", "list_name": "no_toilet"}
FIELDS = ("as_of", "lag_seconds", "version")


async def test_every_answer_says_how_late_it_is(tmp_path: Path) -> None:
    async with embedded(tmp_path, services=["ingest", "indicators"]) as house:
        units = [
            {"unit_id": "D", "level": "district", "name": "D"},
            {"unit_id": "C", "level": "cluster", "parent_id": "D", "name": "C"},
        ]
        (await house.client.put("/v1/units", json=units)).raise_for_status()
        school = {"school_code": "1001", "unit_id": "C", "name": "S", "status": "open"}
        (await house.client.put("/v1/schools", json=[school])).raise_for_status()
        await house.drain()
        form = {
            "visit_id": str(uuid4()),
            "school_code": "1001",
            "visited_at": "2019-05-02T09:40:00+05:00",
            "status": "open",
        }
        (await house.client.post("/v1/visits", json=form)).raise_for_status()
        house.clock.at += timedelta(minutes=1)  # and nobody has folded it
        described = (await house.client.get("/openapi.json")).json()["paths"]
        declared = {
            path
            for path, calls in described.items()
            if "indicators" in calls.get("get", {}).get("tags", ())
        }
        assert declared == OF_FIGURES.keys() | OTHERS | NO_FIGURES
        for path in sorted(OF_FIGURES.keys() | OTHERS):
            asked: dict[str, Any] = {"period": "2019-05", **OF_FIGURES.get(path, {})}
            if "period" not in {
                each["name"] for each in described[path]["get"].get("parameters", ())
            }:
                asked = {}
            answer = await house.client.get(path.format(**NAMES), params=asked)
            assert answer.status_code == 200, (path, answer.text)
            told = [answer.headers[name] for name in ("as-of", "lag-seconds", "figures-version")]
            if path != UNIT + "/seal":  # about the past, in which all was in
                assert 59 < float(told[1]) < 62, path
            if path in OF_FIGURES:
                assert told == [str(answer.json()[name]) for name in FIELDS], path
            again = {"If-None-Match": answer.headers.get("etag", "")}
            same = await house.client.get(path.format(**NAMES), params=asked, headers=again)
            assert {"as-of", "lag-seconds", "figures-version"} <= set(same.headers), path
        csv = await house.client.get("/v1/units/C/lists/no_toilet", params={"format": "csv"})
        assert float(csv.headers["lag-seconds"]) > 59
