"""Definitions as data: an indicator is added to a deployment that has its visits already.

Nothing is replayed and no code is written: the file is named in the settings and the process is
started again. The numbers are worked out by hand.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.indicators.definition_file import DefinitionError
from tests.support.embedded import Embedded, embedded
from tests.support.waiting import eventually

OWN = """
[[indicators]]
code = "absent_teachers"
version = 1
basis = "flow"
direction = "lower"
unit = "share"
numerator = ["teachers_absent"]
denominator = ["teachers_male_posted", "teachers_female_posted", "teachers_unspecified_posted"]
answered = "teachers_answered"
numerator_is = "absent without leave"
denominator_is = "posted"
sample = "clustered"
alike = { icc = 0.2, cv2 = 0.3 }
reliable = { schools = 5, visits = 10 }
by = ["school_gender", "school_level", "visit_type"]
short = { en = "absent teachers", ur = "غیر حاضر اساتذہ" }

[indicators.labels]
en = "Teachers absent without leave"
ur = "بلا رخصت غیر حاضر اساتذہ"
bn = "অনুপস্থিত শিক্ষক"
"""
NEXT = """
[[indicators]]
code = "teacher_attendance"
version = 2
basis = "flow"
direction = "higher"
unit = "share"
numerator = ["teachers_male_present", "teachers_female_present"]
denominator = ["teachers_male_posted", "teachers_female_posted", "-teachers_on_leave"]
answered = "teachers_answered"
numerator_is = "present"
denominator_is = "posted and not on leave"
sample = "clustered"
alike = { icc = 0.2, cv2 = 0.3 }
labels = { en = "Teachers at work" }
"""
DAYS = {"period": "2019-05-06..2019-06-02"}
PLACE = {"name": "Kalat", "valid_from": "2018-01-01"}
SCHOOLS = [f"0{number}" for number in range(1, 9)]
PATIENCE = 60


async def founded(house: Embedded) -> None:
    """A district of eight schools; two visits to each found one of five teachers absent."""
    units = [
        {"unit_id": "P", "level": "province", "parent_id": None, **PLACE},
        {"unit_id": "D", "level": "district", "parent_id": "P", **PLACE},
        {"unit_id": "C", "level": "cluster", "parent_id": "D", **PLACE},
    ]
    (await house.client.put("/v1/units", json=units)).raise_for_status()
    schools = [
        {
            "school_code": code,
            "name": f"School {code}",
            "unit_id": "C",
            "gender": "girls" if code < "04" else "boys",
            "level": "primary" if code < "06" else None,
            "status": "open",
            "valid_from": "2018-01-01",
        }
        for code in SCHOOLS
    ]
    (await house.client.put("/v1/schools", json=schools)).raise_for_status()
    for day in (10, 20):
        await visited(house, f"2019-05-{day}")


async def visited(house: Embedded, day: str, absent: int = 1) -> None:
    """A visit to every school that found `absent` of its five teachers absent, one on leave."""
    for code in SCHOOLS:
        staff = {"posted": 5, "present": 4 - absent, "on_leave": 1, "on_duty": 0, "absent": absent}
        visit = {
            "visit_id": str(uuid4()),
            "school_code": code,
            "visited_at": f"{day}T09:00:00+05:00",
            "status": "open",
            "visit_type": "spot" if code == "01" else "routine",
            "teachers": {"male": staff},
        }
        (await house.client.post("/v1/visits", json=visit)).raise_for_status()
    await house.drain()


async def figures(house: Embedded, **asked: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    answer = await house.client.get("/v1/units/D/figures", params=DAYS | asked)
    assert answer.status_code == 200, answer.text
    return {(row["indicator"], row["split"]): row for row in answer.json()["figures"]}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write(tmp_path / "own.toml", OWN)


async def test_a_new_indicator_over_known_measures_is_in_api_card_and_alerts(
    own: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with embedded(data) as house:
        await founded(house)
        assert ("absent_teachers", None) not in await figures(house)
    async with embedded(data, definitions=own) as house:
        figure = (await figures(house))["absent_teachers", None]
        assert (figure["numerator"], figure["denominator"]) == (16, 80)
        assert (figure["visits"], figure["schools"], figure["reliable"]) == (16, 8, True)
        assert figure["definition"] == 1
        answer = await house.client.get("/v1/indicators")
        [row] = [r for r in answer.json()["indicators"] if r["code"] == "absent_teachers"]
        assert (row["direction"], row["labels"]["bn"]) == ("lower", "অনুপস্থিত শিক্ষক")
        card = (await house.client.get("/v1/cards/D", params=DAYS)).json()
        [line] = [each for each in card["figures"] if each["indicator"] == "absent_teachers"]
        assert (line["value"], line["grade"]) == (0.2, "B")
        for lang, name in (
            ("en", "Teachers absent without leave"),
            ("ur", "بلا رخصت غیر حاضر اساتذہ"),
        ):
            page = await house.client.get(
                "/v1/cards/D", params=DAYS | {"lang": lang, "format": "html"}
            )
            assert name in page.text


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('en = "Teachers absent without leave"', 'en = "Teachers away"', "Teachers away"),
        ('by = ["school_gender"', 'shown = "asked"\nby = ["school_gender"', None),
    ],
)
async def test_who_holds_an_answer_hears_of_edited_words(
    own: Path, tmp_path: Path, before: str, after: str, told: str | None
) -> None:
    data, asked = tmp_path / "data", DAYS | {"lang": "en"}
    async with embedded(data, definitions=own) as house:
        await founded(house)
        first = await house.client.get("/v1/units/D/figures", params=asked)
        known = {"If-None-Match": first.headers["etag"]}
        again = await house.client.get("/v1/units/D/figures", params=asked, headers=known)
        assert again.status_code == 304
    assert before in OWN
    write(own, OWN.replace(before, after))
    async with embedded(data, definitions=own) as house:
        edited = await house.client.get("/v1/units/D/figures", params=asked, headers=known)
        assert edited.status_code == 200
        rows = {row["indicator"]: row for row in edited.json()["figures"]}
        assert rows.get("absent_teachers", {}).get("label") == told


NOTIFY = {"evaluate_seconds": 0.2, "flush_seconds": 0, "quiet_hours": "none"}
OFFICER = {
    "officer_id": "deo",
    "name": "Zarina",
    "post": "DEO",
    "language": "en",
    "phone": "+923001234567",
    "channels": ["sms"],
    "postings": [{"unit_id": "D", "from": "2018-01-01", "to": None}],
}
RULE = {
    "rule_id": "absence",
    "indicator": "absent_teachers",
    "level": "district",
    "window": "last-28-days",
    "above": 0.3,
    "posts": ["DEO"],
}


async def alarmed(house: Embedded, rules: list[dict[str, Any]]) -> None:
    """Let every rule fire: most teachers absent, and seen again."""
    for path, body in (("officers", [OFFICER]), ("rules", rules)):
        (await house.client.put(f"/v1/{path}", json=body)).raise_for_status()
    await founded(house)
    for day in ("2019-05-27", "2019-05-28", "2019-05-29"):
        await visited(house, day, absent=4)

    async def alerts(state: str | None = None) -> bool:
        asked = {} if state is None else {"state": state}
        answer = (await house.client.get("/v1/alerts", params=asked)).json()["alerts"]
        return {row["rule_id"] for row in answer} == {rule["rule_id"] for rule in rules}

    await eventually(alerts, "an alert by every rule", PATIENCE)
    house.clock.at += timedelta(minutes=30)
    await visited(house, "2019-05-30", absent=4)  # what is seen again is told
    house.clock.at += timedelta(minutes=30)
    await eventually(lambda: alerts("firing"), "every alert firing", PATIENCE)


async def test_a_new_indicator_alarms_by_its_own_name(own: Path, tmp_path: Path) -> None:
    async with embedded(tmp_path, definitions=own, background=True, notify=NOTIFY) as house:
        nowhere = RULE | {"split": "zone:north"}
        assert (await house.client.put("/v1/rules", json=[nowhere])).status_code == 422
        routine = RULE | {"rule_id": "routine", "split": "visit_type:routine"}
        await alarmed(house, [RULE, routine])
        answer = (await house.client.get("/v1/alerts")).json()["alerts"]
        assert {row["definition"] for row in answer} == {1}

        async def told() -> list[dict[str, Any]]:
            answer = (await house.client.get("/v1/messages")).json()["messages"]
            return [row for row in answer if "absent teachers" in (row["text"] or "")]

        assert await eventually(told, "a text with the indicator's name", PATIENCE)


async def test_a_changed_definition_is_no_correction_of_what_an_alert_fired_on(
    own: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with embedded(data, definitions=own, background=True, notify=NOTIFY) as house:
        await alarmed(house, [RULE])
    changed = OWN.replace("version = 1", "version = 2").replace(
        "teachers_absent", "teachers_on_duty"
    )
    write(own, OWN + changed)
    async with embedded(data, definitions=own, background=True, notify=NOTIFY) as house:
        house.clock.at += timedelta(hours=2)
        await visited(house, "2019-05-31")

        async def moved() -> str | None:
            [alert] = (await house.client.get("/v1/alerts")).json()["alerts"]
            return None if alert["state"] == "firing" else str(alert["state"])

        # By the new reading the figure is good, so the alert recovers: it was not wrong to fire.
        assert await eventually(moved, "the alert moved", PATIENCE) == "recovering"


async def test_a_next_version_stands_beside_the_one_before(tmp_path: Path) -> None:
    data, own = tmp_path / "data", write(tmp_path / "next.toml", NEXT)
    async with embedded(data) as house:
        await founded(house)
        was = (await figures(house))["teacher_attendance", None]
        assert (was["numerator"], was["denominator"], was["definition"]) == (48, 80, 1)
        version = (await house.client.get("/v1/figures/version")).json()["version"]
    async with embedded(data, definitions=own) as house:
        now = await figures(house)
        figure = now["teacher_attendance", None]
        assert (figure["numerator"], figure["denominator"], figure["definition"]) == (48, 64, 2)
        assert ("teacher_attendance", "male") not in now
        older = await figures(house, indicators="teacher_attendance:1,usable_rooms")
        assert older["teacher_attendance", None] == was
        assert {code for code, _ in older} == {"teacher_attendance", "usable_rooms"}
        answer = await house.client.get("/v1/figures/version")
        assert answer.json()["version"] != version
        series = "/v1/units/D/figures/teacher_attendance/series"
        for wanted, expected in (({}, (2, 64)), ({"definition": "1"}, (1, 80))):
            found = (await house.client.get(series, params=DAYS | wanted)).json()
            assert found["definition"] == expected[0]
            assert sum(point["denominator"] for point in found["series"]) == expected[1]
        for path in ("evidence", "change", "children"):
            url = f"/v1/units/D/figures/teacher_attendance/{path}"
            found = (await house.client.get(url, params=DAYS | {"definition": "1"})).json()
            assert found["definition"] == 1
        assert await house.verified() == []


async def test_alternatives_are_answered_when_asked_for(tmp_path: Path) -> None:
    async with embedded(tmp_path) as house:
        await founded(house)
        assert ("teacher_attendance_less_leave", None) not in await figures(house)
        names = "teacher_attendance_less_leave,teacher_attendance_with_closed"
        found = await figures(house, indicators=names)
        less = found["teacher_attendance_less_leave", None]
        assert (less["numerator"], less["denominator"]) == (48, 64)
        closed = {
            "visit_id": str(uuid4()),
            "school_code": "01",
            "visited_at": "2019-05-22T09:00:00+05:00",
            "status": "closed_temporarily",
            "closure_reason": "staff_absent",
            "teachers": {"male": {"posted": 5}},
        }
        (await house.client.post("/v1/visits", json=closed)).raise_for_status()
        await house.drain()
        found = await figures(house, indicators=names)
        with_closed = found["teacher_attendance_with_closed", None]
        assert (with_closed["numerator"], with_closed["denominator"]) == (48, 85)
        url = "/v1/units/D/figures/teacher_attendance_with_closed"
        rows = (await house.client.get(f"{url}/evidence", params=DAYS)).json()["evidence"]
        behind = [row for row in rows if row["counted"]]
        assert sum(row["numerator"] for row in behind) == 48
        assert sum(row["denominator"] for row in behind) == 85
        assert [row["denominator"] for row in behind if row["status"] != "open"] == [5]
        same = DAYS | {"period": "2019-05-21..2019-05-31", "against": "2019-05-01..2019-05-20"}
        moved = (await house.client.get(f"{url}/change", params=same)).json()
        assert moved["same_before"] == {"numerator": 6, "denominator": 10}
        assert moved["same_after"] == {"numerator": 0, "denominator": 5}
        for wrong in ("nobody", "usable_rooms:2", "usable_rooms:x", ""):
            answer = await house.client.get(
                "/v1/units/D/figures", params=DAYS | {"indicators": wrong}
            )
            assert answer.status_code == 422


async def test_parts_can_be_asked_of_series_and_siblings(tmp_path: Path) -> None:
    async with embedded(tmp_path) as house:
        await founded(house)
        split = DAYS | {"split": "school_level:primary"}
        series = await house.client.get(
            "/v1/units/P/figures/teacher_attendance/series", params=split
        )
        assert series.json()["split"] == "school_level:primary"
        assert sum(point["denominator"] for point in series.json()["series"]) == 50
        below = await house.client.get(
            "/v1/units/C/figures/teacher_attendance/children", params=split
        )
        counted = {row["unit_id"]: row["denominator"] for row in below.json()["children"]}
        assert counted["school:01"] == 10
        assert counted["school:08"] == 0
        url = "/v1/units/C/figures/teacher_attendance/evidence"
        behind = (await house.client.get(url, params=split)).json()
        assert behind["split"] == "school_level:primary"
        assert sum(row["denominator"] for row in behind["evidence"]) == 50
        spots = DAYS | {"split": "visit_type:spot"}
        behind = (await house.client.get(url, params=spots)).json()
        assert {row["school_code"] for row in behind["evidence"]} == {"01"}
        for kind, status in (("zone", 200), ("visitor_post", 200), ("colour", 422)):
            answer = await house.client.get("/v1/units/D/figures", params=DAYS | {"split_by": kind})
            assert answer.status_code == status
        wrong = await house.client.get(
            "/v1/units/D/figures/usable_rooms/series", params=DAYS | {"split": "visit_type:spot"}
        )
        assert wrong.status_code == 422


async def test_a_version_that_changed_its_meaning_refuses_to_start(
    own: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with embedded(data, definitions=own):
        pass
    write(own, OWN.replace('["teachers_absent"]', '["teachers_on_duty"]'))
    with pytest.raises(DefinitionError, match=r"own\.toml: indicator absent_teachers: field vers"):
        async with embedded(data, definitions=own):
            pass
    write(own, OWN.replace("absent teachers", "teachers away"))
    async with embedded(data, definitions=own) as house:
        await house.rebuild()  # what is computed anew does not forget what versions meant
    write(own, OWN.replace('["teachers_absent"]', '["teachers_on_duty"]'))
    with pytest.raises(DefinitionError):
        async with embedded(data, definitions=own):
            pass
