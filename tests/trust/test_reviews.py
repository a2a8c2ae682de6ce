"""People looking at visits: the queue and its states, decisions, replies, the monitors' table."""

from __future__ import annotations

from typing import Any

from tests.support.embedded import Embedded
from tests.support.intake import UNITS, school, visit
from tests.trust.worlds import drain

SHORT = "2018-03-05T09:41:00+05:00"


async def call(house: Embedded, method: str, path: str, body: Any = None, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {more.pop('key', house.key)}"}
    answer = await house.client.request(method, path, json=body, headers=headers, **more)
    assert answer.status_code < 500, answer.text
    return answer


async def register(house: Embedded) -> None:
    items = [school("1001"), school("1002"), school("2001", "CL-02")]
    for path, body in (("/v1/units", UNITS), ("/v1/schools", items)):
        assert (await call(house, "PUT", path, body)).status_code == 200


async def post(house: Embedded, **more: Any) -> str:
    form = visit(**more)
    answer = await call(house, "POST", "/v1/visits", form)
    assert answer.status_code in (201, 202), answer.text
    return str(form["visit_id"])


async def reviews(house: Embedded, query: str = "", **more: Any) -> list[dict[str, Any]]:
    """All pages of the queue."""
    await drain(house)
    found: list[dict[str, Any]] = []
    path: str | None = f"/v1/reviews?limit=2{query}"
    while path is not None:
        answer = await call(house, "GET", path, **more)
        assert answer.status_code == 200, answer.text
        found += answer.json()["reviews"]
        link = answer.headers.get("link")
        path = link.partition(">")[0].removeprefix("<") if link else None
    return found


async def ids(house: Embedded, query: str = "", **more: Any) -> list[str]:
    return [item["visit_id"] for item in await reviews(house, query, **more)]


async def decide(house: Embedded, visit_id: str, decision: str, note: str | None = None) -> Any:
    body = {"decision": decision, "note": note}
    return await call(house, "POST", f"/v1/visits/{visit_id}/review", body)


async def test_the_queue_holds_what_somebody_should_look_at(house: Embedded) -> None:
    await register(house)
    await post(house, monitor_id="M")
    short = await post(house, ended_at=SHORT, monitor_id="M")
    other = await post(
        house, school_code="2001", visited_at="2018-03-06T16:00:00+05:00", source="partner"
    )
    unknown = await post(house, school_code="9", visited_at="2018-03-07T09:00:00+05:00")
    early = await post(house, visited_at="2012-03-07T09:00:00+05:00")
    assert await ids(house) == [unknown, other, short, early]  # the latest visit first
    assert await ids(house, "&unit=PSN") == [other]
    assert await ids(house, "&unit=BA&school=01001") == [short, early]
    assert await ids(house, "&unit=school:2001") == [other]
    assert await ids(house, "&flag=short_visit") == [short]
    assert await ids(house, "&flag=unknown_school") == [unknown]
    assert await ids(house, "&source=partner") == [other]
    assert await ids(house, "&monitor=M") == [short]
    assert await ids(house, "&from=2018-03-06&to=2018-03-06") == [other]
    assert await ids(house, "&state=excluded") == []
    [item] = await reviews(house, "&flag=short_visit")
    assert item["reasons"] == [
        {
            "code": "short_visit",
            "pointer": "/ended_at",
            "detail": "The visit took less than ten minutes.",
        }
    ]
    assert (item["status"], item["state"], item["school_code"]) == ("accepted", "open", "1001")
    quarantined = [item["status"] for item in await reviews(house, "&to=2012-12-31")]
    assert quarantined == ["quarantined"]
    assert (await call(house, "GET", "/v1/reviews?unit=nowhere")).status_code == 404
    for query in ("state=lost", "flag=%25", "after=x", "limit=0"):
        assert (await call(house, "GET", f"/v1/reviews?{query}")).status_code == 422


async def test_a_decision_moves_a_visit_and_says_who(house: Embedded) -> None:
    await register(house)
    form = visit(ended_at=SHORT)
    await call(house, "POST", "/v1/visits", form)
    visit_id = form["visit_id"]
    assert await ids(house) == [visit_id]
    # Looked at and found in order: nothing of the visit changes, and it leaves the open ones.
    kept = await decide(house, visit_id, "include", "telephoned the head teacher")
    assert kept.json()["revision"] == 1
    assert await ids(house) == []
    [item] = await reviews(house, "&state=cleared")
    [decision] = item["decisions"]
    assert (decision["decision"], decision["note"], decision["revision"]) == (
        "include",
        "telephoned the head teacher",
        1,
    )
    assert decision["actor"]
    assert decision["decided_at"].endswith("Z")
    again = await decide(house, visit_id, "include", "telephoned the head teacher")
    assert again.status_code == 200
    [item] = await reviews(house, "&state=cleared")
    assert len(item["decisions"]) == 1
    # A further flag opens it again.
    await post(house, photos=["ab" * 32], monitor_id="M")
    changed = form | {"photos": ["ab" * 32]}
    answer = await house.client.put(
        f"/v1/visits/{visit_id}", json=changed, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200
    assert visit_id in await ids(house)
    excluded = await decide(house, visit_id, "exclude", "not visited")
    assert (excluded.json()["revision"], excluded.json()["status"]) == (3, "excluded")
    [item] = await reviews(house, "&state=excluded")
    assert [one["decision"] for one in item["decisions"]] == ["include", "exclude"]
    codes = {reason["code"] for reason in item["reasons"]}
    assert codes == {"short_visit", "repeated_photo"}
    assert item["changed_since"] is False
    # Whoever corrects an excluded visit does not get it counted, but is seen.
    corrected = changed | {"remarks": "the watch was wrong"}
    answer = await house.client.put(
        f"/v1/visits/{visit_id}", json=corrected, headers={"If-Match": '"3"'}
    )
    [item] = await reviews(house, "&state=excluded")
    assert item["changed_since"] is True
    assert (await decide(house, visit_id, "include")).json()["revision"] == 5
    assert visit_id in await ids(house, "&state=cleared")


async def test_a_decision_before_the_flags_are_known_covers_only_what_was_seen(
    house: Embedded,
) -> None:
    await register(house)
    first = await post(house, photos=["cd" * 32], ended_at=SHORT)
    await post(house, photos=["cd" * 32], school_code="1002")
    await decide(house, first, "include")  # nothing was consumed yet: the receipt's flag was seen
    assert first in await ids(house)
    await decide(house, first, "include")
    assert first not in await ids(house)


async def test_release_and_an_unknown_school(lone: Embedded) -> None:
    await register(lone)
    early = await post(lone, visited_at="2012-03-07T09:00:00+05:00")
    unknown = await post(lone, school_code="9")
    assert (await decide(lone, early, "release", "the register says so")).status_code == 200
    assert await ids(lone) == [unknown]
    assert await ids(lone, "&state=released") == [early]
    await decide(lone, unknown, "include")
    assert await ids(lone) == [unknown]  # nobody can decide that a school exists
    await call(lone, "PUT", "/v1/schools", [school("9")])
    assert await ids(lone) == []


async def test_flags_change_the_tag_of_a_visit_but_no_revision(lone: Embedded) -> None:
    await register(lone)
    form = visit(photos=["ef" * 32])
    await call(lone, "POST", "/v1/visits", form)
    path = f"/v1/visits/{form['visit_id']}"
    tag = (await call(lone, "GET", path)).headers["etag"]
    assert tag == '"1"'
    await post(lone, photos=["EF" * 32])
    await drain(lone)
    answer = await lone.client.get(path, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert [flag["code"] for flag in answer.json()["flags"]] == ["repeated_photo"]
    assert answer.json()["revision"] == 1
    newer = answer.headers["etag"]
    assert (await lone.client.get(path, headers={"If-None-Match": newer})).status_code == 304
    put = await lone.client.put(path, json=form | {"photos": []}, headers={"If-Match": newer})
    assert put.json()["revision"] == 2
    replay = await call(lone, "POST", "/v1/visits", form)
    assert replay.json()["flags"] == []  # a receipt says what form and register alone decided


async def test_units_and_sources_bound_what_a_reviewer_sees(lone: Embedded) -> None:
    await register(lone)
    own = await post(lone, ended_at=SHORT, source="tablets")
    far = await post(lone, ended_at=SHORT, source="tablets", school_code="2001")
    await post(lone, ended_at=SHORT, source="partner")
    access = lone.platform.access
    key, _, _ = await access.create_key("tablets", ["visits:review", "visits:read"])
    assert set(await ids(lone, key=key)) == {own, far}
    assert set(await ids(lone, "&source=partner", key=key)) == {own, far}
    scoped, _, _ = await access.create_key("t", ["visits:review"], source="tablets", units=["QTA"])
    assert await ids(lone, key=scoped) == [own]
    assert (await call(lone, "GET", "/v1/reviews?unit=PSN", key=scoped)).status_code == 404
    assert (await call(lone, "GET", "/v1/monitors?unit=PSN", key=scoped)).status_code == 404
    person, _, _ = await access.create_key(
        "p", ["visits:read", "visits:review"], source="officer:17", units=["PSN"]
    )
    assert await ids(lone, key=person) == [far]
    replies = f"/v1/visits/{far}/replies?source=tablets"
    told = await call(lone, "POST", replies, {"text": "We were open."}, key=person)
    assert told.status_code == 201
    for path in (f"/v1/visits/{far}/replies", f"/v1/visits/{own}/replies?source=tablets"):
        assert (await call(lone, "GET", path, key=person)).status_code == 404
        assert (await call(lone, "POST", path, {"text": "x"}, key=person)).status_code == 404
    review = f"/v1/visits/{far}/review?source=tablets"
    done = await call(lone, "POST", review, {"decision": "exclude"}, key=person)
    assert done.json()["status"] == "excluded"
    cards, _, _ = await access.create_key("c", ["cards:read"])
    for path in ("/v1/reviews", "/v1/monitors", replies):
        assert (await call(lone, "GET", path, key=cards)).status_code == 403


async def test_a_reply_stays_beside_the_visit(house: Embedded) -> None:
    await register(house)
    visit_id = await post(house, ended_at=SHORT)
    path = f"/v1/visits/{visit_id}/replies"
    reply = {"text": "ہم مردم شماری پر تھے", "role": "school", "author": "head teacher"}
    first = await call(house, "POST", path, reply)
    assert (first.status_code, first.json()["revision"]) == (201, 1)
    again = await call(house, "POST", path, reply)
    assert (again.status_code, again.json()) == (200, first.json())
    named = reply | {"reply_id": "0a4d3c9e-7f0b-4c53-9d51-6d3e2f1a0b9c", "text": "second"}
    assert (await call(house, "POST", path, named)).status_code == 201
    assert (await call(house, "POST", path, named)).status_code == 200
    other = await call(house, "POST", path, named | {"text": "third"})
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (409, "reply_exists")
    told = (await call(house, "GET", path)).json()["replies"]
    assert [one["text"] for one in told] == [reply["text"], "second"]
    [item] = await reviews(house, "&replied=true")
    assert (item["replies"], item["unanswered"]) == (2, True)
    await decide(house, visit_id, "include", "heard")
    [item] = await reviews(house, "&state=all")
    assert (item["replies"], item["unanswered"]) == (2, False)
    assert await ids(house, "&state=all&replied=false") == []
    before = (await call(house, "GET", f"/v1/visits/{visit_id}")).json()
    assert (before["revision"], before["status"]) == (1, "accepted")
    await call(house, "DELETE", f"/v1/visits/{visit_id}")
    assert (await call(house, "POST", path, {"text": "late"})).status_code == 410
    assert len((await call(house, "GET", path)).json()["replies"]) == 2
    assert await ids(house, "&state=all") == []


async def test_a_reply_is_checked(lone: Embedded) -> None:
    await register(lone)
    visit_id = await post(lone)
    for body, pointer in (
        ({}, "/text"),
        ({"text": ""}, "/text"),
        ({"text": "   "}, "/text"),
        ({"text": "a\u0000"}, "/text"),
        ({"text": "x", "author": "a\u0007"}, "/author"),
        ({"text": "x", "role": "king"}, "/role"),
        ({"text": "x", "reply_id": "1"}, "/reply_id"),
        ({"text": "x", "more": 1}, "/more"),
        ({"text": "x" * 4001}, "/text"),
    ):
        answer = await call(lone, "POST", f"/v1/visits/{visit_id}/replies", body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    told = await call(lone, "GET", f"/v1/visits/{visit_id}/replies")
    assert told.json() == {"replies": []}


async def test_the_monitors_table(house: Embedded) -> None:
    await register(house)
    rooms = {"rooms": {"available": 4}, "teachers": {"male": {"posted": 3}}}
    pupils = {"students": {"boys": {"enrolled": 100, "present": 90}}}
    for number in range(30):
        day = f"2018-03-{1 + number:02d}"
        await post(
            house,
            visited_at=f"{day}T09:07:00+05:00",
            ended_at=f"{day}T09:{11 if number == 4 else 47}:00+05:00",
            monitor_id="M",
            source="tablets",
            **rooms,
            **pupils,
        )
    await post(house, monitor_id="N", source="tablets", school_code="2001")
    await post(
        house,
        visited_at="2018-03-30T12:07:00+05:00",
        monitor_id="V",
        source="tablets",
        visit_type="verification",
        rooms={"available": 3},
        teachers={"male": {"posted": 3}},
        students={"boys": {"enrolled": 92, "present": 40}},
    )
    await drain(house)
    query = "/v1/monitors?from=2018-03-01&to=2018-03-31&limit=2"
    page = await call(house, "GET", query)
    good, new = page.json()["monitors"]
    assert (good["monitor_id"], good["visits"], good["schools"], good["days"]) == ("M", 30, 1, 30)
    assert good["flags"]["short_visit"] == 1
    assert good["flagged"] == 4 + 1 + 1  # four Sundays, Pakistan Day, and the short one
    assert good["flagged_share"] == round(good["flagged"] / 30, 6)
    assert (good["median_minutes"], good["timed"]) == (40.0, 30)
    # Verified on the 30th: open, enrolment within 10 % and posts agree, rooms do not.
    assert (good["verified"], good["agreed"], good["compared"]) == (1, 3, 4)
    assert (good["reliable"], good["agreement_reliable"]) == (True, False)
    assert (new["monitor_id"], new["visits"], new["reliable"]) == ("N", 1, False)
    assert (new["agreement"], new["median_minutes"]) == (None, None)
    link = page.headers["link"].partition(">")[0].removeprefix("<")
    [last] = (await call(house, "GET", link)).json()["monitors"]
    assert (last["monitor_id"], last["visits"]) == ("V", 1)
    only = await call(house, "GET", f"{query}&unit=PSN")
    assert [row["monitor_id"] for row in only.json()["monitors"]] == ["N"]
    assert (await call(house, "GET", "/v1/monitors")).json()["monitors"] == []  # a year later
    for bad in ("from=2018-04-01&to=2018-03-01", "to=9999-12-31", "after=x"):
        assert (await call(house, "GET", f"/v1/monitors?{bad}")).status_code == 422
