"""The change of one part: schools of a level, a zone, visits of a type. Worked out by hand.

A school is of a part by what it was then, so one that left the part is none of the same schools.
"""

from typing import Any

from tests.support.small_register import World, pupils, rooms, school, world

__all__ = ["world"]
WINDOWS = {"period": "2018-03", "against": "2018-02"}


async def change(world: World, indicator: str, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = await world.get(
        f"/v1/units/P/figures/{indicator}/change", **(WINDOWS | asked)
    )
    return found


async def levelled(world: World) -> None:
    """Three primary schools, one of them a middle school from March on, and one that always was."""
    schools = [
        school("02001", "C2", "boys", level="middle", valid_from="2018-03-01"),
        school("02002", "C2", "mixed", level="middle"),
    ]
    (await world.client.put("/v1/schools", json=schools)).raise_for_status()
    for code, before, after in (
        ("01001", 20, 30),
        ("01002", 40, 40),
        ("02001", 10, 45),
        ("02002", 35, 5),
    ):
        await world.visit(code, "2018-02-05", **pupils((before, 50)), **rooms(before // 10, 5))
        await world.visit(code, "2018-03-05", **pupils((after, 50)), **rooms(after // 10, 5))


async def test_a_school_that_left_the_part_is_none_of_the_same(world: World) -> None:
    await levelled(world)
    primary = await change(world, "student_attendance", split="school_level:primary")
    assert primary["split"] == primary["after"]["split"] == "school_level:primary"
    assert (primary["before"]["numerator"], primary["before"]["denominator"]) == (70, 150)
    assert (primary["after"]["numerator"], primary["after"]["denominator"]) == (70, 100)
    assert primary["schools_in_both"] == 2
    assert primary["same_before"] == {"numerator": 60, "denominator": 100}
    assert primary["same_after"] == {"numerator": 70, "denominator": 100}
    assert primary["same_schools"] == 0.1
    assert primary["composition"] == round(primary["change"] - 0.1, 6)
    middle = await change(world, "student_attendance", split="school_level:middle")
    assert (middle["schools_in_both"], middle["schools_before"], middle["schools_after"]) == (
        1,
        1,
        2,
    )
    assert middle["same_schools"] == -0.6


async def test_a_state_is_of_the_part_that_its_school_is_of_on_that_day(world: World) -> None:
    await levelled(world)
    primary = await change(world, "usable_rooms", split="school_level:primary")
    assert (primary["before"]["numerator"], primary["after"]["numerator"]) == (7, 7)
    assert (primary["before"]["denominator"], primary["after"]["denominator"]) == (15, 10)
    assert primary["same_before"] == {"numerator": 6, "denominator": 10}
    assert primary["same_schools"] == 0.1


async def test_visits_of_a_type_change_by_the_schools_that_had_them_twice(world: World) -> None:
    for day, kind, present in (
        ("2018-02-05", "spot", 25),
        ("2018-02-06", "routine", 50),
        ("2018-03-05", "spot", 30),
    ):
        await world.visit("01001", day, visit_type=kind, **pupils((present, 50)))
    await world.visit("01002", "2018-02-07", visit_type="routine", **pupils((10, 50)))
    await world.visit("01002", "2018-03-07", visit_type="spot", **pupils((20, 50)))
    spot = await change(world, "student_attendance", split="visit_type:spot")
    assert (spot["schools_in_both"], spot["same_schools"]) == (1, 0.1)
    assert (spot["change"], spot["composition"]) == (0.0, -0.1)
    nobody = await change(world, "student_attendance", split="zone:winter")
    assert (nobody["change"], nobody["same_schools"], nobody["schools_in_both"]) == (None, None, 0)


async def test_a_rolling_period_is_compared_with_one_that_ends_on_the_same_day(
    world: World,
) -> None:
    await levelled(world)
    asked = {"period": "last-5-days", "ending": "2018-03-08", "against": "last-40-days"}
    found = await change(world, "student_attendance", **asked)
    assert (found["against_first"], found["against_last"]) == ("2018-01-28", "2018-03-08")
    assert (found["after"]["denominator"], found["before"]["denominator"]) == (200, 400)


async def test_changes_of_the_indicators_that_are_named(world: World) -> None:
    await levelled(world)
    asked = WINDOWS | {"indicators": "usable_rooms,teacher_attendance_less_leave"}
    found = await world.get("/v1/units/P/change", **asked)
    assert [(row["indicator"], row["split"]) for row in found["changes"]] == [
        ("usable_rooms", None),
        ("teacher_attendance_less_leave", None),
    ]
    one = await change(world, "usable_rooms")
    assert found["changes"][0]["change"] == one["change"] == 0.05
    wrong = await world.client.get("/v1/units/P/change", params=asked | {"indicators": "nobody"})
    assert wrong.json()["errors"][0]["pointer"] == "/query/indicators"


async def test_the_parts_of_a_change_at_the_register_and_what_is_no_part(world: World) -> None:
    await levelled(world)
    seen = await change(world, "coverage", split="school_level:middle")
    assert (seen["before"]["denominator"], seen["after"]["denominator"]) == (1, 2)
    for split, indicator in (
        ("visit_type:spot", "usable_rooms"),
        ("zone:", "student_attendance"),
        ("colour:red", "student_attendance"),
    ):
        answer = await world.client.get(
            f"/v1/units/P/figures/{indicator}/change", params=WINDOWS | {"split": split}
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/query/split"
