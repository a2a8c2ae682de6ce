"""The service on PostgreSQL: the same tables, and several planners and senders at once."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from services.notify.policy import LEASE
from tests.unit.notify.fake_figures import TREE
from tests.unit.notify.house import OFFICER, TODAY, House, events, house_in

DISTRICTS = 12


@pytest.mark.distributed
async def test_a_whole_life(tmp_path: Path, postgres_url: str) -> None:
    async with house_in(tmp_path, url=postgres_url) as house:
        await house.firing()
        assert await house.send() == 2
        alert = await house.one_alert()
        await house.desk.acknowledge(house.principal, alert["alert_id"], "seen")
        token = house.recorder("sms").sent[0].token
        assert await house.desk.receipt(token, "1", "") == "delivered"
        assert await house.desk.receipt(token, "8", "") == "delivered"
        house.figures.post("KAL", TODAY, 10, count=60)
        await house.round()
        house.figures.post("KAL", TODAY, 10)
        await house.round()
        assert (await house.one_alert())["state"] == "resolved"
        assert await house.send() == 2
        async with house.browser() as browser:
            page = await browser.get("/v1/alerts?unit=PK-BA&state=resolved,firing&limit=1")
            assert len((await browser.get(page.links["next"]["url"])).json()["alerts"]) == 0
            assert len((await browser.get("/v1/messages?state=accepted")).json()["messages"]) == 3
        assert [name.split(".")[2] for name, _, _ in await events(house)] == [
            "fired",
            "acknowledged",
            "resolved",
        ]


async def districts(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Many districts, each with its own officer and weak visits."""
    units = [f"D{n:02d}" for n in range(DISTRICTS)]
    for unit in units:
        monkeypatch.setitem(TREE, unit, ("PK-BA", "district", f"District {unit}", "ضلع"))
        house.figures.post(unit, TODAY, 5, count=20)
    people = [
        OFFICER
        | {
            "officer_id": f"deo-{unit}",
            "email": f"{unit}@example.org",
            "postings": [{"unit_id": unit, "from": None, "to": None}],
        }
        for unit in units
    ]
    async with house.browser() as browser:
        assert (await browser.put("/v1/officers", json=people)).status_code == 200
    return units


@pytest.mark.distributed
async def test_planners_and_senders_side_by_side_tell_everybody_once(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_in(tmp_path, url=postgres_url) as house:
        units = await districts(house, monkeypatch)
        planners = [house.new_planner() for _ in range(3)]
        await house.round(*units)
        for unit in units:
            house.figures.post(unit, TODAY, 5, count=4)
        for _ in range(3):
            await asyncio.gather(*(planner.round() for planner in planners))
        alerts = await house.alerts(state="firing", limit=200)
        assert Counter(alert["unit_id"] for alert in alerts) == dict.fromkeys(units, 1)
        assert len({alert["code"] for alert in alerts}) == len(units)
        senders = [house.sender(kind) for kind in ("sms", "email") for _ in range(3)]
        assert sum(await asyncio.gather(*(sender.drain() for sender in senders))) == 2 * DISTRICTS
        sent = Counter(mail.recipient for mail in house.recorder("email").sent)
        assert sent == {f"{unit}@example.org": 1 for unit in units}
        fired = [key for name, key, _ in await events(house) if name == "rtsm.alert.fired.v1"]
        assert sorted(fired) == units


class Killed(BaseException):
    """The process died here."""


@pytest.mark.distributed
async def test_senders_killed_again_and_again_lose_nothing(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_in(tmp_path, url=postgres_url) as house:
        units = await districts(house, monkeypatch)
        await house.round(*units)
        for unit in units:
            house.figures.post(unit, TODAY, 5, count=4)
        await house.planner.round()
        points = ["notify.after_claim", "notify.after_send", "notify.before_mark"]
        kills = 0

        async def die(name: str) -> None:
            nonlocal kills
            if kills < DISTRICTS and name == points[kills % 3]:
                kills += 1
                raise Killed

        while kills < DISTRICTS:
            with pytest.raises(Killed):
                await house.sender("email", die).drain()
            house.clock.advance(timedelta(microseconds=LEASE))
        await house.sender("email").drain()
        sent = house.recorder("email").sent
        assert {mail.recipient for mail in sent} == {f"{unit}@example.org" for unit in units}
        assert len({mail.delivery_id for mail in sent}) == DISTRICTS
        assert len(sent) <= DISTRICTS + kills
        states = {m["state"] for m in await house.messages() if m["channel"] == "email"}
        assert states <= {"accepted", "unknown"}
