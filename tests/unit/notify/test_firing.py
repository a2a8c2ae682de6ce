"""When an alert fires, ends, is withdrawn or superseded, and what does not move it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from services.notify.policy import parse_quiet_hours
from shared.errors import Problem
from tests.unit.notify.house import RULE, TODAY, House, events, house_in


async def test_fires_only_with_evidence_and_confirmation(house: House) -> None:
    house.figures.post("KAL", TODAY, 5, count=4)
    await house.round()
    assert await house.alerts() == []
    house.figures.post("KAL", TODAY, 5, count=16)
    await house.round()
    pending = await house.one_alert()
    assert pending["state"] == "pending"
    assert await house.messages() == []
    await house.round()
    house.figures.post("KAL", TODAY, 5, count=3)
    await house.round()
    assert (await house.one_alert())["state"] == "pending"
    house.figures.post("KAL", TODAY, 5, count=1)
    await house.round()
    alert = await house.one_alert()
    assert alert["state"] == "firing"
    assert alert["alert_id"] == pending["alert_id"]
    assert (alert["numerator"], alert["denominator"]) == (120, 240)
    assert (alert["visits"], alert["schools"]) == (24, 24)
    assert alert["interval"][1] < 0.7
    assert alert["probability"] > 0.95
    assert [step["to"] for step in alert["history"]] == ["pending", "firing"]


async def test_recovers_with_new_visits_and_tells_those_who_were_told(house: House) -> None:
    await house.firing()
    await house.send()
    house.wait(days=1)
    house.figures.post("KAL", TODAY + timedelta(days=1), 10, count=40)
    await house.round()
    assert (await house.one_alert())["state"] == "recovering"
    await house.round()
    assert (await house.one_alert())["state"] == "recovering"
    house.figures.post("KAL", TODAY + timedelta(days=1), 10)
    await house.round()
    alert = await house.one_alert()
    assert alert["state"] == "resolved"
    assert alert["closed_at"] is not None
    assert await house.send() == 2
    assert await house.states("resolve") == {"sms": "accepted", "email": "accepted"}
    assert "resolved" in house.recorder("sms").sent[-1].text
    await house.round()
    assert await house.send() == 0
    assert [name for name, _, _ in await events(house)] == [
        "rtsm.alert.fired.v1",
        "rtsm.alert.resolved.v1",
    ]


async def test_rescinded_when_the_visits_behind_it_are_corrected(house: House) -> None:
    await house.firing()
    await house.send()
    house.figures.correct(list(range(20)), 10)
    await house.round()
    alert = await house.one_alert()
    assert alert["state"] == "rescinded"
    assert await house.send() == 2
    assert "withdrawn" in house.recorder("sms").sent[-1].text
    house.wait(minutes=1)
    house.figures.correct(list(range(20)), 5)
    await house.round()
    newer, older = await house.alerts()
    assert (newer["state"], older["state"]) == ("pending", "rescinded")
    assert newer["alert_id"] != older["alert_id"]


async def test_new_visits_alone_never_rescind(house: House) -> None:
    await house.firing()
    house.figures.post("KAL", TODAY, 10, count=200)
    await house.round()
    assert (await house.one_alert())["state"] == "recovering"


async def test_withdrawn_below_the_gates_is_rescinded_even_after_the_window_rolled(
    house: House,
) -> None:
    await house.firing()
    house.wait(days=40)
    await house.planner.round()
    assert (await house.one_alert())["state"] == "firing"
    house.figures.withdraw(list(range(18)))
    await house.round()
    assert (await house.one_alert())["state"] == "rescinded"


async def test_acknowledged_alerts_still_end(house: House) -> None:
    await house.firing()
    await house.send()
    alert = await house.one_alert()
    shown = await house.desk.acknowledge(house.principal, alert["alert_id"], "will visit")
    assert shown["state"] == "acknowledged"
    again = await house.desk.acknowledge(house.principal, alert["alert_id"], "twice")
    assert len(again["history"]) == len(shown["history"])
    assert shown["history"][-1]["note"] == "will visit"
    assert shown["history"][-1]["actor"] == "tester"
    house.figures.post("KAL", TODAY, 10, count=60)
    await house.round()
    house.figures.post("KAL", TODAY, 10)
    await house.round()
    assert (await house.one_alert())["state"] == "resolved"
    with pytest.raises(Problem) as closed:
        await house.desk.acknowledge(house.principal, alert["alert_id"], None)
    assert closed.value.status == 409


async def test_pending_that_comes_to_nothing_is_cleared_and_frees_its_code(house: House) -> None:
    house.figures.post("KAL", TODAY, 5, count=20)
    await house.round()
    house.figures.post("KAL", TODAY, 10, count=40)
    await house.round()
    assert (await house.one_alert())["state"] == "cleared"
    async with house.database.reading() as tx:
        assert await tx.fetch("SELECT 1 FROM alerts WHERE open_code IS NOT NULL") == []


async def test_resolved_before_anybody_was_told_tells_nobody(tmp_path: Path) -> None:
    async with house_in(tmp_path, quiet=parse_quiet_hours("19:00-07:30")) as house:
        house.wait(hours=10)
        await house.firing()
        assert await house.send() == 0
        house.figures.post("KAL", TODAY, 10, count=60)
        await house.round()
        house.figures.post("KAL", TODAY, 10)
        await house.round()
        house.wait(hours=14)
        assert await house.send() == 0
        assert await house.states("fire") == {"sms": "cancelled", "email": "cancelled"}
        assert await house.states("resolve") == {}


async def test_an_edit_of_meaning_supersedes_and_one_of_posts_does_not(house: House) -> None:
    await house.firing()
    async with house.browser() as browser:
        await browser.put("/v1/rules", json=[RULE | {"posts": ["DEO", "DDEO"]}])
        alert = await house.one_alert()
        assert (alert["state"], alert["rule_version"]) == ("firing", 2)
        answer = await browser.put("/v1/rules", json=[RULE | {"below": 0.4, "recover_above": 0.5}])
        assert answer.json()["rules"][0]["version"] == 3
    alert = await house.one_alert()
    assert alert["state"] == "superseded"
    assert await house.send() == 0
    assert await house.states("fire") == {"sms": "cancelled", "email": "cancelled"}
    await house.planner.round()
    assert len(await house.alerts()) == 1


async def test_indicators_away_changes_nothing_and_catches_up(house: House) -> None:
    house.figures.post("KAL", TODAY, 5, count=20)
    house.figures.away = True
    with pytest.raises(Problem):
        await house.round()
    house.figures.away = False
    await house.planner.round()
    assert (await house.one_alert())["state"] == "pending"


async def test_visits_not_surely_known_yet_are_looked_at_again(house: House) -> None:
    house.figures.lag = 1_000_000
    house.figures.post("KAL", TODAY, 5, count=10)
    await house.round()
    assert await house.alerts() == []
    house.wait(seconds=2)
    house.figures.post("KAL", TODAY, 5, count=14)
    await house.planner.round()
    pending = await house.one_alert()
    assert (pending["state"], pending["visits"]) == ("pending", 10)
    await house.planner.round()
    assert (await house.one_alert())["state"] == "pending"
    house.wait(seconds=2)
    await house.planner.round()
    alert = await house.one_alert()
    assert (alert["state"], alert["visits"]) == ("firing", 24)
    house.wait(seconds=2)
    await house.planner.round()
    async with house.database.reading() as tx:
        assert await tx.fetch("SELECT * FROM dirty") == []


async def test_a_unit_without_an_answer_does_not_stop_the_others(house: House) -> None:
    house.figures.without_figures = {"KAL"}
    house.figures.post("MAS", TODAY, 5, count=20)
    await house.round("KAL", "MAS", "unheard-of")
    assert (await house.one_alert())["unit_id"] == "MAS"
    await house.planner.round()
    async with house.database.reading() as tx:
        assert await tx.fetch("SELECT * FROM dirty") == []


async def test_two_planners_open_one_alert(house: House) -> None:
    house.figures.post("KAL", TODAY, 5, count=20)
    await house.round()
    house.figures.post("KAL", TODAY, 5, count=4)
    other = house.new_planner()
    await house.round()
    await house.round()
    await other.round()
    assert len(await house.alerts()) == 1
    assert len(await house.messages()) == 2


async def test_no_contacts_in_events_or_console(house: House) -> None:
    await house.firing()
    for _, key, data in await events(house):
        assert key == "KAL"
        body = json.loads(data)
        assert body["code"]
        text = data.decode()
        assert "+92" not in text
        assert "@" not in text
        assert "Kalat" not in text
