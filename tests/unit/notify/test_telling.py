"""Who is told of an alert: once a channel, by day, the one in the post, one text for several."""

from pathlib import Path

from services.notify.policy import parse_quiet_hours
from tests.unit.notify.house import OFFICER, RULE, TODAY, House, house_in


async def test_tells_each_officer_once_a_channel(house: House) -> None:
    await house.firing()
    assert await house.send() == 2
    await house.round()
    assert await house.send() == 0
    code = (await house.one_alert())["code"]
    for kind in ("sms", "email"):
        (sent,) = house.recorder(kind).sent
        assert code in sent.text
    assert house.recorder("sms").sent[0].recipient == "+923001234567"
    assert code in house.recorder("email").sent[0].body
    assert await house.states("fire") == {"sms": "accepted", "email": "accepted"}


async def test_quiet_hours_hold_messages_until_the_morning(tmp_path: Path) -> None:
    async with house_in(tmp_path, quiet=parse_quiet_hours("19:00-07:30")) as house:
        house.wait(hours=10)
        await house.firing()
        house.wait(hours=11)
        assert await house.send() == 0
        house.wait(hours=1)
        assert await house.send() == 2


async def test_vacancy_is_visible_and_filled_later(house: House) -> None:
    gone = OFFICER | {"postings": [{"unit_id": "KAL", "from": "2017-01-01", "to": "2018-03-06"}]}
    async with house.browser() as browser:
        await browser.put("/v1/officers", json=[gone])
        await house.firing()
        (vacant,) = await house.messages()
        assert (vacant["state"], vacant["officer_id"], vacant["post"]) == ("vacant", None, "DEO")
        await browser.put("/v1/officers", json=[gone, OFFICER | {"officer_id": "new-deo"}])
    await house.round()
    assert await house.send() == 2
    assert {m["officer_id"] for m in await house.messages(state="accepted")} == {"new-deo"}


async def test_an_officer_who_left_gets_nothing_and_the_successor_does(house: House) -> None:
    await house.firing()
    moved = OFFICER | {"postings": [{"unit_id": "MAS", "from": None, "to": None}]}
    successor = OFFICER | {"officer_id": "successor", "phone": "+923007654321"}
    async with house.browser() as browser:
        await browser.put("/v1/officers", json=[moved, successor])
    assert await house.send() == 2
    assert house.recorder("sms").sent[0].recipient == "+923007654321"
    states = {(m["officer_id"], m["state"]) for m in await house.messages()}
    assert states == {("deo-kalat", "cancelled"), ("successor", "accepted")}


async def test_one_reminder_while_unacknowledged(house: House) -> None:
    await house.firing()
    await house.send()
    house.wait(days=2)
    await house.round()
    assert await house.send() == 0
    house.wait(days=1, hours=1)
    await house.round()
    assert await house.send() == 2
    assert "reminder" in house.recorder("sms").sent[-1].text
    house.wait(days=10)
    await house.round()
    assert await house.send() == 0


async def test_a_parents_alert_speaks_for_its_clusters(house: House) -> None:
    async with house.browser() as browser:
        cluster = RULE | {"rule_id": "clusters", "level": "cluster", "window": "last-365-days"}
        await browser.put("/v1/rules", json=[cluster])
    house.figures.post("KAL-1", TODAY, 5, count=20)
    await house.round("KAL", "KAL-1")
    house.figures.post("KAL-1", TODAY, 5, count=4)
    await house.round("KAL", "KAL-1")
    assert len(await house.alerts(state="firing")) == 2
    assert await house.send() == 2
    cluster_alert = next(a for a in await house.alerts() if a["unit_id"] == "KAL-1")
    assert {m["state"] for m in cluster_alert["messages"]} == {"inhibited"}
    house.figures.post("KAL", TODAY, 10, count=100)
    await house.round("KAL")
    house.figures.post("KAL", TODAY, 10)
    await house.round("KAL")
    await house.send()
    cluster_alert = next(a for a in await house.alerts() if a["unit_id"] == "KAL-1")
    assert {m["state"] for m in cluster_alert["messages"]} == {"accepted"}


async def test_several_alerts_share_one_text(tmp_path: Path) -> None:
    async with house_in(tmp_path, flush=600_000_000) as house:
        async with house.browser() as browser:
            both = [{"unit_id": unit, "from": None, "to": None} for unit in ("KAL", "MAS")]
            await browser.put("/v1/officers", json=[OFFICER | {"postings": both}])
        for unit in ("KAL", "MAS"):
            house.figures.post(unit, TODAY, 5, count=20)
        await house.round("KAL", "MAS")
        house.figures.post("KAL", TODAY, 5, count=4)
        house.figures.post("MAS", TODAY, 3, count=4)
        await house.round("KAL")
        house.wait(minutes=9)
        await house.round("MAS")
        assert await house.send() == 0
        house.wait(minutes=1)
        assert await house.send() == 2
        text = house.recorder("sms").sent[0].text
        assert "Mastung" in text
        assert "+1 more" in text
        codes = {alert["code"] for alert in await house.alerts()}
        assert all(code in text for code in codes)
        assert await house.send() == 0
