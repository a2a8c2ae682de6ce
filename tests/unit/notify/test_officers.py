"""Officers through time: postings, vacancies, who acts, who held a post on a day, who may see."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from shared.access import Principal
from tests.unit.notify.house import OFFICER, House, events

FIRST = OFFICER | {
    "officer_id": "deo-first",
    "phone": "+923001112223",
    "email": "zainab@one.example.org",
    "name": "Bibi Zainab",
    "postings": [{"unit_id": "KAL", "from": "2017-01-01", "to": "2018-02-28"}],
}
SECOND = OFFICER | {
    "officer_id": "deo-second",
    "phone": "+923004445556",
    "email": "gul@two.example.org",
    "name": "Gul Khan",
    "postings": [{"unit_id": "KAL", "from": "2018-04-01", "to": None}],
}
ADEO = OFFICER | {
    "officer_id": "adeo",
    "name": "Hamid Ali",
    "post": "ADEO",
    "email": "adeo.kalat@example.org",
    "phone": "+923009998877",
    "postings": [
        {"unit_id": "KAL", "from": "2016-01-01", "to": None},
        {"unit_id": "KAL", "from": "2018-03-05", "to": "2018-05-01", "post": "DEO", "acting": True},
    ],
}
PEOPLE = [FIRST, SECOND, ADEO]


@pytest.fixture
async def staffed(house: House) -> House:
    """Kalat: a DEO who left, one to come, an ADEO acting in between; nobody else."""
    async with house.browser() as browser:
        moved = OFFICER | {"postings": [{"unit_id": "MAS", "from": None, "to": None}]}
        answer = await browser.put("/v1/officers", json=[moved, *PEOPLE])
        assert answer.status_code == 200, answer.text
    return house


async def ask(house: House, path: str, **params: str) -> httpx.Response:
    async with house.browser() as browser:
        return await browser.get(path, params=params)


async def holders(house: House, **params: str) -> list[tuple[str, bool]]:
    answer = await ask(house, "/v1/officers", **params)
    assert answer.status_code == 200, answer.text
    return [(one["officer_id"], one["holding"]["acting"]) for one in answer.json()["officers"]]


@pytest.mark.parametrize(
    ("day", "held"),
    [
        ("2016-12-31", []),
        ("2017-01-01", [("deo-first", False)]),
        ("2018-02-28", [("deo-first", False)]),
        ("2018-03-01", []),
        ("2018-03-05", [("adeo", True)]),
        ("2018-03-31", [("adeo", True)]),
        ("2018-04-01", [("deo-second", False)]),  # the acting posting goes on, but counts no more
        ("2018-05-02", [("deo-second", False)]),
    ],
)
async def test_who_was_deo_of_a_district_on_a_day(
    staffed: House, day: str, held: list[tuple[str, bool]]
) -> None:
    assert await holders(staffed, unit="KAL", post="DEO", on=day) == held
    # A cluster has the DEO of its district.
    assert await holders(staffed, unit="KAL-1", post="DEO", on=day) == held


async def test_every_post_of_a_unit_today(staffed: House) -> None:
    answer = (await ask(staffed, "/v1/officers", unit="KAL")).json()
    assert answer["on"] == "2018-03-07"
    held = [(one["officer_id"], one["holding"]["post"]) for one in answer["officers"]]
    assert held == [("adeo", "ADEO"), ("adeo", "DEO")]
    assert answer["officers"][1]["holding"] == {
        "post": "DEO",
        "acting": True,
        "unit_id": "KAL",
        "from": "2018-03-05",
        "to": "2018-05-01",
    }


async def test_vacancies_say_since_when_until_when_and_who_acts(staffed: House) -> None:
    answer = (await ask(staffed, "/v1/vacancies")).json()
    assert answer == {
        "on": "2018-03-07",
        "vacancies": [
            {
                "unit_id": "KAL",
                "post": "DEO",
                "vacant_since": "2018-03-01",
                "filled_from": "2018-04-01",
                "acting": [{"officer_id": "adeo", "name": "Hamid Ali"}],
            }
        ],
    }
    assert (await ask(staffed, "/v1/vacancies", on="2018-04-02")).json()["vacancies"] == []
    assert len((await ask(staffed, "/v1/vacancies", unit="PK-BA")).json()["vacancies"]) == 1
    assert (await ask(staffed, "/v1/vacancies", unit="MAS")).json()["vacancies"] == []
    assert (await ask(staffed, "/v1/vacancies", post="ADEO")).json()["vacancies"] == []


async def test_an_alert_goes_to_the_acting_officer_while_the_post_is_vacant(
    staffed: House,
) -> None:
    await staffed.firing()
    assert await staffed.send() == 2
    assert staffed.recorder("sms").sent[0].recipient == ADEO["phone"]
    (message, _) = await staffed.messages(state="accepted")
    assert (message["officer_id"], message["post"]) == ("adeo", "DEO")


async def test_who_acts_no_more_when_a_holder_came_is_not_told(staffed: House) -> None:
    await staffed.firing()
    came = SECOND | {"postings": [{"unit_id": "KAL", "from": "2018-03-07", "to": None}]}
    async with staffed.browser() as browser:
        await browser.put("/v1/officers", json=[came])
    assert await staffed.send() == 2
    states = {(m["officer_id"], m["state"]) for m in await staffed.messages()}
    assert states == {("adeo", "cancelled"), ("deo-second", "accepted")}


async def test_a_vacant_post_is_told_as_soon_as_somebody_acts(house: House) -> None:
    nobody = OFFICER | {"postings": [{"unit_id": "KAL", "from": "2017-01-01", "to": "2018-03-01"}]}
    async with house.browser() as browser:
        await browser.put("/v1/officers", json=[nobody])
        await house.firing()
        assert [m["state"] for m in await house.messages()] == ["vacant"]
        await browser.put("/v1/officers", json=[ADEO])
    await house.round()
    assert await house.send() == 2
    assert {m["officer_id"] for m in await house.messages(state="accepted")} == {"adeo"}


async def test_the_same_again_changes_nothing(staffed: House) -> None:
    async with staffed.browser() as browser:
        again = (await browser.put("/v1/officers", json=PEOPLE)).json()
        assert (again["stored"], again["changed"]) == (3, 0)
        other = SECOND | {"language": "ur"}
        assert (await browser.put("/v1/officers", json=[FIRST, other])).json()["changed"] == 1


async def test_a_thousand_at_once_and_read_back_in_pages(house: House) -> None:
    many = [
        OFFICER | {"officer_id": f"officer-{number:04}", "name": f"Officer {number}"}
        for number in range(1_000)
    ]
    async with house.browser() as browser:
        assert (await browser.put("/v1/officers", json=many)).json()["changed"] == 1_000
        assert (await browser.put("/v1/officers", json=[*many, OFFICER])).status_code == 413
        found: list[str] = []
        path: str | None = "/v1/officers?limit=300&post=DEO"
        while path:
            answer = await browser.get(path)
            found += [person["officer_id"] for person in answer.json()["officers"]]
            path = answer.links.get("next", {}).get("url")
    assert found == sorted({"deo-kalat", *(person["officer_id"] for person in many)})


@pytest.mark.parametrize("day", ["2018-02-30", "1520000000", "2018-3-5", "yesterday", ""])
async def test_a_day_that_is_none_is_refused(staffed: House, day: str) -> None:
    for path in ("/v1/officers?unit=KAL", "/v1/vacancies"):
        answer = await ask(staffed, path, on=day)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/query/on"


async def test_an_unknown_unit_is_not_found(staffed: House) -> None:
    assert (await ask(staffed, "/v1/officers", unit="NOWHERE")).status_code == 404
    assert (await ask(staffed, "/v1/vacancies", unit="NOWHERE")).status_code == 404


async def test_a_key_of_one_district_sees_and_changes_only_its_own(staffed: House) -> None:
    scopes = frozenset({"alerts:read", "officers:write", "contacts:read"})
    staffed.principal = Principal("k", "p", "p", scopes, frozenset({"MAS"}))
    assert (await ask(staffed, "/v1/officers", unit="KAL")).status_code == 404
    assert (await ask(staffed, "/v1/vacancies")).json()["vacancies"] == []
    shown = (await ask(staffed, "/v1/officers")).json()["officers"]
    assert [person["officer_id"] for person in shown] == ["deo-kalat"]
    async with staffed.browser() as browser:
        # Taking over an officer of another district, with a telephone of one's own, is no way in.
        mine = SECOND | {"phone": "+923330000000", "postings": [{"unit_id": "MAS"}]}
        assert (await browser.put("/v1/officers", json=[mine])).status_code == 404
    staffed.principal = Principal("k", "p", "p", scopes, frozenset({"KAL-1"}))
    (adeo, acting) = (await ask(staffed, "/v1/officers", unit="KAL-1")).json()["officers"]
    assert len(adeo["postings"]) == len(acting["postings"]) == 1


async def test_contacts_are_in_no_answer_event_or_log_without_their_scope(
    staffed: House, capfd: pytest.CaptureFixture[str]
) -> None:
    canaries = [
        contact
        for person in PEOPLE
        for contact in (person["phone"], person["phone"][1:], person["email"])
    ]
    await staffed.firing()
    await staffed.send()
    alert = await staffed.one_alert()
    seen = [data.decode() for _, _, data in await events(staffed)]
    scopes = frozenset({"alerts:read", "alerts:write", "officers:write", "rules:write"})
    staffed.principal = Principal("k", "p", "p", scopes)
    async with staffed.browser() as browser:
        for path in (
            "/v1/officers",
            "/v1/officers?unit=KAL",
            "/v1/officers?post=DEO&on=2018-03-07",
            "/v1/vacancies",
            "/v1/alerts",
            f"/v1/alerts/{alert['alert_id']}",
            "/v1/messages",
            "/v1/rules",
        ):
            answer = await browser.get(path)
            assert answer.status_code == 200
            seen.append(answer.text + str(answer.headers))
        seen.append((await browser.put("/v1/officers", json=PEOPLE)).text)
        wrong = [ADEO | {"phone": "0300 999 88 77"}]
        seen.append((await browser.put("/v1/officers", json=wrong)).text)
        canaries.append("0300 999 88 77")
    out, err = capfd.readouterr()
    assert not [canary for canary in canaries for text in (*seen, out, err) if canary in text]
    assert json.dumps(seen).count("Hamid Ali") > 0  # names are seen, contacts are not


async def test_postings_of_an_older_folder_are_read_as_they_were(staffed: House) -> None:
    """A posting without the newer table's row is one in the officer's own post, not acting."""
    async with staffed.database.transaction() as tx:
        await tx.execute("DELETE FROM posting_posts")
    shown: list[dict[str, Any]] = (await ask(staffed, "/v1/officers")).json()["officers"]
    adeo = next(person for person in shown if person["officer_id"] == "adeo")
    assert adeo["postings"][1] == {"unit_id": "KAL", "from": "2018-03-05", "to": "2018-05-01"}
