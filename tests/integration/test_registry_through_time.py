"""Units through time: names that resolve, histories, and the feed of changes; both dialects."""

from __future__ import annotations

from typing import Any

from tests.support.intake import House, intake, school, unit

__all__ = ["intake"]


async def units(intake: House, *items: dict[str, Any]) -> None:
    answer = await intake.call("PUT", "/v1/units", list(items))
    assert answer.status_code == 200, answer.text


async def asked(intake: House, name: str, kind: str = "units", **more: Any) -> Any:
    answer = await intake.call("GET", f"/v1/{kind}/candidates", params={"name": name, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def history(intake: House, unit_id: str, **more: Any) -> Any:
    answer = await intake.call("GET", f"/v1/units/{unit_id}/history", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_declared_alias_resolves_and_a_near_name_is_only_offered(intake: House) -> None:
    await units(
        intake,
        unit("JFB", "district", "BA", name="Jaffarabad", aliases=["Jafer Abad"]),
        unit("NSB", "district", "BA", name="Nasirabad", names={"ur": "نصیر آباد"}),
    )
    for written in ("JAFER ABAD", "jafer-abad ", "Jaffarabad", "JFB"):
        found = await asked(intake, written, level="district")
        assert found["resolved"]["unit_id"] == "JFB", written
        assert found["resolved"]["score"] == 1
    assert (await asked(intake, "نصير آباد"))["resolved"]["unit_id"] == "NSB"
    near = await asked(intake, "Jafarabad", level="district")
    assert near["resolved"] is None
    assert near["candidates"][0]["unit_id"] == "JFB"
    assert 0.8 < near["candidates"][0]["score"] < 1
    assert near["candidates"][0]["path"] == ["BA"]
    assert (await asked(intake, "Xyzzy"))["candidates"] == []


async def test_one_name_at_two_levels_is_ambiguous_until_the_level_is_said(intake: House) -> None:
    await units(
        intake,
        unit("ZRT", "district", "BA", name="Ziarat"),
        unit("T-ZRT", "tehsil", "ZRT", name="Ziarat"),
    )
    both = await asked(intake, "ZIARAT")
    assert (both["resolved"], both["ambiguous"]) == (None, True)
    assert [each["unit_id"] for each in both["candidates"]] == ["T-ZRT", "ZRT"]
    one = await asked(intake, "ZIARAT", level="tehsil", under="ZRT")
    assert one["resolved"]["unit_id"] == "T-ZRT"
    assert (await asked(intake, "ZIARAT", level="tehsil", under="QTA"))["candidates"] == []


async def test_a_name_after_that_of_a_unit_above_it(intake: House) -> None:
    await units(
        intake,
        unit("KEC", "district", "BA", name="Kech"),
        unit("MTG", "district", "BA", name="Mastung"),
        unit("KEC-D", "tehsil", "KEC", name="Dasht"),
        unit("MTG-D", "tehsil", "MTG", name="Dasht"),
        unit("MTG-M", "tehsil", "MTG", name="Mastung"),
    )
    assert (await asked(intake, "Dasht", level="tehsil"))["ambiguous"]
    for written, unit_id in [
        ("KECH DASHT", "KEC-D"),
        ("mastung dasht", "MTG-D"),
        ("Mastung Mastung", "MTG-M"),
    ]:
        found = (await asked(intake, written, level="tehsil"))["resolved"]
        assert (found["unit_id"], found["by"]) == (unit_id, "path"), written
    near = await asked(intake, "Kech Dashtt", level="tehsil")
    assert near["resolved"] is None
    assert [each["unit_id"] for each in near["candidates"]] == ["KEC-D"]
    # A tehsil that moved is still found after its former district, one that ended is not.
    await units(
        intake,
        unit("KEC-D", "tehsil", "MTG", name="Dasht", valid_from="2019-05-01"),
        unit("MTG-M", "tehsil", "MTG", name="Mastung", valid_to="2019-04-30"),
    )
    assert (await asked(intake, "Kech Dasht", level="tehsil"))["resolved"]["unit_id"] == "KEC-D"
    assert (await asked(intake, "Mastung Mastung", level="tehsil"))["resolved"] is None


async def test_a_former_name_resolves_and_an_ended_unit_does_not(intake: House) -> None:
    await units(
        intake,
        unit("SRB", "district", "BA", name="Surab"),
        unit("SRB", "district", "BA", name="Shaheed Sikandarabad", valid_from="2019-02-01"),
        unit("KRZ", "district", "BA", name="Karezat", valid_to="2018-11-30"),
    )
    former = await asked(intake, "Surab")
    assert (former["resolved"]["unit_id"], former["resolved"]["by"]) == ("SRB", "former_name")
    assert (await asked(intake, "Surab", on="2018-06-01"))["resolved"]["by"] == "name"
    gone = await asked(intake, "karezat")
    assert gone["resolved"] is None
    assert (gone["candidates"][0]["unit_id"], gone["candidates"][0]["ended"]) == ("KRZ", True)
    assert (await asked(intake, "karezat", on="2018-11-30"))["resolved"]["unit_id"] == "KRZ"


async def test_schools_are_found_by_code_alias_and_nearly_written_name(intake: House) -> None:
    body = [
        school("01072", name="GBHS MANNA", aliases=["GBHS MASORY MANA", "EMIS-77"]),
        school("BEF001", "CL-02", name="Badar din brohi"),
    ]
    assert (await intake.call("PUT", "/v1/schools", body)).status_code == 200
    for written in ("1072", "01072", "GBHS Masory  Mana", "EMIS-77", "gbhs manna"):
        found = await asked(intake, written, "schools")
        assert found["resolved"]["school_code"] == "01072", written
    near = await asked(intake, "GBHS MANA", "schools", unit_id="QTA")
    assert (near["resolved"], near["candidates"][0]["school_code"]) == (None, "01072")
    assert (await asked(intake, "BEF_001", "schools"))["resolved"] is None
    assert (await asked(intake, "01072", "schools", unit_id="CL-02"))["resolved"] is None


async def test_a_history_tells_renames_moves_splits_and_merges(intake: House) -> None:
    await units(
        intake,
        unit("KAB", "district", "BA", name="Killa Abdullah"),
        unit("GUL", "tehsil", "KAB"),
        unit("CHM-T", "tehsil", "KAB"),
        unit("CHM", "district", "BA", name="Chaman", valid_from="2019-01-01", predecessors=["KAB"]),
        unit("CHM-T", "tehsil", "CHM", valid_from="2019-01-01"),
        unit("KAB", "district", "BA", name="Qilla Abdullah", valid_from="2019-03-01"),
    )
    old = await history(intake, "KAB")
    assert [(v["name"], v["valid_from"], v["holds_until"]) for v in old["versions"]] == [
        ("Killa Abdullah", "2018-01-01", "2019-02-28"),
        ("Qilla Abdullah", "2019-03-01", None),
    ]
    assert [v["changes"] for v in old["versions"]] == [["created"], ["renamed"]]
    assert [(s["unit_id"], s["on"], s["how"]) for s in old["successors"]] == [
        ("CHM", "2019-01-01", "split")
    ]
    assert [(m["unit_id"], m["on"], m["to"]) for m in old["left"]] == [
        ("CHM-T", "2019-01-01", "CHM")
    ]
    new = await history(intake, "CHM")
    assert [(p["unit_id"], p["name"], p["how"]) for p in new["predecessors"]] == [
        ("KAB", "Killa Abdullah", "split")
    ]
    assert [(m["unit_id"], m["from"]) for m in new["joined"]] == [("CHM-T", "KAB")]
    assert [v["changes"] for v in (await history(intake, "CHM-T"))["versions"]] == [
        ["created"],
        ["moved"],
    ]
    await units(
        intake,
        unit("GUL", "tehsil", "KAB", valid_from="2018-01-01", valid_to="2019-05-31"),
        unit("CHM-T", "tehsil", "CHM", valid_from="2019-06-01", predecessors=["GUL"]),
    )
    [merged] = (await history(intake, "GUL"))["successors"]
    assert (merged["unit_id"], merged["how"], merged["on"]) == ("CHM-T", "merge", "2019-06-01")


async def test_a_corrected_record_stays_readable(intake: House) -> None:
    for parent in ("QTA", "PSN", "QTA"):
        await units(intake, unit("T1", "tehsil", parent, valid_from="2018-01-01"))
    [only] = (await history(intake, "T1"))["versions"]
    assert only["parent_id"] == "QTA"
    assert [record["parent_id"] for record in only["replaced"]] == ["QTA", "PSN"]
    feed = await changes(intake)
    assert [(each["id"], each["changes"]) for each in feed][-3:] == [
        ("T1", ["created"]),
        ("T1", ["corrected", "moved"]),
        ("T1", ["corrected", "moved"]),
    ]


async def changes(intake: House, **more: Any) -> list[Any]:
    key = more.pop("key", intake.key)
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        answer = await intake.call(
            "GET", "/v1/registry/changes", params={"limit": 2, **more, **after}, key=key
        )
        assert answer.status_code == 200, answer.text
        found += answer.json()["changes"]
        if "Link" not in answer.headers:
            return found
        after = {"after": answer.json()["next"]}


async def test_the_feed_goes_on_where_it_was_left(intake: House) -> None:
    first = await intake.call("GET", "/v1/registry/changes")
    told = first.json()["changes"]
    assert [each["id"] for each in told] == ["CL-01", "CL-02", "QTA", "PSN", "BA", "school:1001"]
    assert [each["version"] for each in told] == [1, 2, 3, 4, 5, 6]
    assert await changes(intake) == told
    assert [each["id"] for each in await changes(intake, kind="school")] == ["school:1001"]
    after = {"after": first.json()["next"]}
    nothing = await intake.call("GET", "/v1/registry/changes", params=after)
    assert nothing.json() == {"changes": [], "next": after["after"]}
    await units(intake, unit("QTA", "district", "BA", name="Quetta"))
    [renamed] = (await intake.call("GET", "/v1/registry/changes", params=after)).json()["changes"]
    assert (renamed["id"], renamed["changes"]) == ("QTA", ["renamed"])
    assert renamed["unit"]["valid_from"] == "2019-06-03"


async def test_a_school_that_was_merged_names_its_heir(intake: House) -> None:
    body = [
        school("1002", "CL-01", valid_from="2018-01-01"),
        school("1001", "CL-01", status="merged", valid_from="2019-04-01"),
        school("1002", "CL-01", predecessors=["01001"], valid_from="2019-04-01"),
    ]
    assert (await intake.call("PUT", "/v1/schools", body)).status_code == 200
    gone = await history(intake, "school:01001")
    assert [version["changes"] for version in gone["versions"]] == [["created"], ["merged"]]
    assert [each["unit_id"] for each in gone["successors"]] == ["school:1002"]
    heir = await history(intake, "school:1002")
    assert [each["unit_id"] for each in heir["predecessors"]] == ["school:1001"]


async def test_a_key_of_some_units_sees_only_those(intake: House) -> None:
    key = await intake.make_key("psn", "registry:read", units=["PSN"])
    for path in ("/v1/units/QTA/history", "/v1/units/nowhere/history"):
        answer = await intake.call("GET", path, key=key)
        assert answer.status_code == 404
    assert (await history(intake, "CL-02", key=key))["unit"] == "CL-02"
    assert [each["id"] for each in await changes(intake, key=key)] == ["CL-02", "PSN"]
    own = await intake.call("GET", "/v1/units/candidates", params={"name": "CL-01"}, key=key)
    assert [each["unit_id"] for each in own.json()["candidates"]] == ["CL-02"]


async def test_a_predecessor_must_be_known(intake: House) -> None:
    body = [unit("X", "district", "BA", predecessors=["QTA", "nowhere"])]
    answer = await intake.call("PUT", "/v1/units", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/0/predecessors/1"


ODD = [
    ("/v1/units/a%00b/history", 404),
    ("/v1/units/school:%00/history", 404),
    ("/v1/units/candidates?name=%00", 422),
    ("/v1/units/candidates?name=%20", 422),
    ("/v1/units/candidates", 422),
    ("/v1/units/candidates?name=x&limit=0", 422),
    ("/v1/units/candidates?name=a%20a%20a%20a&level=%00&under=%00", 200),
    ("/v1/units/candidates?name=CL-01&on=0001-01-01", 200),
    ("/v1/units/candidates?name=CL-01&on=9999-12-31", 200),
    ("/v1/schools/candidates?name=%27%3B--&unit_id=school:1001", 200),
    ("/v1/schools?school=%00", 200),
    ("/v1/registry/changes?after=nonsense", 422),
    ("/v1/registry/changes?after=WyIiLDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", 422),
    ("/v1/registry/changes?kind=river", 422),
]


async def test_odd_questions_get_clear_answers(intake: House) -> None:
    for path, status in ODD:
        answer = await intake.call("GET", path)
        assert answer.status_code == status, (path, answer.text)
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json", path
