"""Keys by HTTP: made, listed, taken over, ended and revoked; nobody makes a wider one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.clock import rfc3339
from tests.support.intake import House, intake, visit

__all__ = ["intake"]
on_sqlite = pytest.mark.parametrize("intake", ["sqlite"], indirect=True)


async def made(intake: House, **more: Any) -> dict[str, Any]:
    asked = {"name": "pmc", "scopes": ["visits:write", "visits:read"]} | more
    answer = await intake.call("POST", "/v1/keys", asked)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def listed(intake: House, key_id: str) -> dict[str, Any]:
    keys = (await intake.call("GET", "/v1/keys")).json()["keys"]
    return next(key for key in keys if key["key_id"] == key_id)


async def works(intake: House, key: str) -> bool:
    status = (await intake.post(visit(), key=key)).status_code
    assert status in {201, 401}
    return status == 201


async def test_a_key_is_shown_once_and_says_when_it_was_used(intake: House) -> None:
    key = await made(intake, source="pmc-tablets", units=["QTA"], days=180)
    assert (key["state"], key["last_used"]) == ("live", None)
    assert key["expires"] == rfc3339(intake.platform.access.keys.now() + 180 * 86_400 * 1_000_000)
    posted = await intake.post(visit(), key=key["key"])
    assert (posted.status_code, posted.json()["source"]) == (201, "pmc-tablets")
    seen = await listed(intake, key["key_id"])
    assert seen["last_used"] is not None
    assert seen["units"] == ["QTA"]
    answer = await intake.call("GET", "/v1/keys")
    secret = key["key"].split("_", 2)[2]  # it may hold "_" itself
    assert len(secret) == 43
    assert secret not in answer.text
    assert (await intake.call("GET", f"/v1/keys/{key['key_id']}")).json() == seen


async def test_a_key_that_is_taken_over_lives_on_for_the_overlap(intake: House) -> None:
    old = await made(intake, days=30)
    path = f"/v1/keys/{old['key_id']}/rotate"
    new = (await intake.call("POST", path, {"overlap_hours": 2})).json()
    assert new["follows"] == old["key_id"]
    same = ("name", "source", "scopes", "units", "rate_limit", "expires")
    assert [new[name] for name in same] == [old[name] for name in same]
    assert await works(intake, old["key"])
    assert await works(intake, new["key"])
    third = await intake.call("POST", f"/v1/keys/{new['key_id']}/rotate", {})
    assert (third.status_code, third.json()["type"]) == (409, "/problems/two_keys_alive")
    intake.clock.advance(timedelta(hours=2, seconds=1))
    intake.platform.access.forget(old["key_id"])  # as time does within five seconds
    assert not await works(intake, old["key"])
    assert await works(intake, new["key"])
    assert (await listed(intake, old["key_id"]))["state"] == "expired"
    assert (await intake.call("POST", path, {})).status_code == 404
    assert (await intake.call("POST", f"/v1/keys/{new['key_id']}/rotate", {})).status_code == 201


async def test_the_end_of_a_key_is_moved_and_a_revoked_key_stays_dead(intake: House) -> None:
    key = await made(intake)
    path = f"/v1/keys/{key['key_id']}"
    ended = await intake.call("POST", f"{path}/expire", {"at": "2019-06-03T06:00:00+00:00"})
    assert (ended.status_code, ended.json()["state"]) == (200, "expired")
    assert not await works(intake, key["key"])
    assert (await intake.call("POST", f"{path}/expire", {"at": None})).json()["state"] == "live"
    assert await works(intake, key["key"])
    for _ in range(2):
        assert (await intake.call("DELETE", path)).json()["state"] == "revoked"
        assert not await works(intake, key["key"])
    assert (await intake.call("GET", path)).status_code == 410
    assert (await listed(intake, key["key_id"]))["state"] == "revoked"
    assert (await intake.call("POST", f"{path}/expire", {"at": None})).status_code == 404
    assert (await intake.call("POST", f"{path}/expire", {"at": 0})).status_code == 422
    assert not await works(intake, key["key"])


@on_sqlite
async def test_nobody_makes_or_touches_a_wider_key(intake: House) -> None:
    other = await made(intake, units=["PSN"])
    wide = await made(intake)
    district = await intake.make_key("district", "admin", units=["QTA"])
    for units in (None, ["PSN"], ["QTA", "PSN"], ["BA"]):
        asked = {"name": "x", "scopes": ["visits:read"], "units": units}
        answer = await intake.call("POST", "/v1/keys", asked, key=district)
        assert answer.status_code == 422, units
        assert answer.json()["errors"][0]["pointer"] == "/units"
    own = await intake.call(
        "POST", "/v1/keys", {"name": "x", "scopes": ["admin"], "units": ["QTA"]}, key=district
    )
    assert own.status_code == 201
    names = {
        key["name"] for key in (await intake.call("GET", "/v1/keys", key=district)).json()["keys"]
    }
    assert names == {"district", "x"}
    for key in (other, wide):
        path = f"/v1/keys/{key['key_id']}"
        for method, place, body in (
            ("GET", path, None),
            ("DELETE", path, None),
            ("POST", f"{path}/rotate", {}),
            ("POST", f"{path}/expire", {"at": None}),
        ):
            answer = await intake.call(method, place, body, key=district)
            assert answer.status_code == 404, (method, place)
        assert (await listed(intake, key["key_id"]))["state"] == "live"
    reader = await intake.make_key("reader", "visits:read")
    assert (await intake.call("GET", "/v1/keys", key=reader)).status_code == 403


@on_sqlite
async def test_bad_keys_are_refused_by_field(intake: House) -> None:
    good = {"name": "x", "scopes": ["visits:read"]}
    for more, pointer in (
        ({"scopes": ["visits:dance"]}, "/scopes/0"),
        ({"scopes": []}, "/scopes"),
        ({"name": "a\u2028"}, "/name"),
        ({"units": []}, "/units"),
        ({"days": 0}, "/days"),
        ({"days": "7"}, "/days"),
        ({"rate_limit": {"requests": 0}}, "/rate_limit/requests"),
        ({"digest": "x"}, "/digest"),
    ):
        answer = await intake.call("POST", "/v1/keys", good | more)
        assert answer.status_code == 422, more
        assert answer.json()["errors"][0]["pointer"] == pointer, more


@on_sqlite
async def test_keys_are_listed_page_by_page(intake: House) -> None:
    for _ in range(4):
        await made(intake)
    path, names = "/v1/keys?limit=2", []
    while path:
        answer = await intake.call("GET", path)
        names += [key["key_id"] for key in answer.json()["keys"]]
        path = answer.headers.get("link", "").partition(">")[0].lstrip("<")
    assert len(names) == len(set(names)) == 5


@on_sqlite
async def test_what_is_left_of_peoples_sessions_is_not_listed(intake: House) -> None:
    access = intake.platform.access
    intake.clock.advance(timedelta(seconds=1))
    key = await made(intake, days=1)
    for number in range(3):
        intake.clock.advance(timedelta(seconds=1))
        await access.create_key("O1", ["cards:read"], source=f"officer:O{number}", days=1)
    first = await intake.call("GET", "/v1/keys?limit=3")
    names = [shown["name"] for shown in first.json()["keys"]]
    assert names == ["admin", "pmc", "O1"]
    intake.clock.advance(timedelta(days=1, seconds=1))
    left = (await intake.call("GET", "/v1/keys")).json()["keys"]
    assert [(shown["name"], shown["state"]) for shown in left] == [
        ("admin", "live"),
        ("pmc", "expired"),
    ]
    # Who was in the middle of the list is not sent back to its beginning.
    onward = first.headers["Link"].partition(">")[0].removeprefix("<")
    assert (await intake.call("GET", onward)).json() == {"keys": []}
    _, person, _ = await access.create_key("O1", ["cards:read"], source="officer:O1", days=1)
    assert (await listed(intake, person))["state"] == "live"
    await access.revoke_key(person)
    answer = await intake.call("GET", "/v1/keys")
    assert person not in answer.text
    assert (await intake.call("GET", f"/v1/keys/{key['key_id']}")).status_code == 200
    assert [shown.name for shown in [await access.keys.one(person)] if shown] == ["O1"]
