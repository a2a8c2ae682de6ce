"""The whole service around one database: firing, telling once, ending, correcting, retrying."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.notify.channels.contract import Handover
from services.notify.policy import AWAIT_REPORT, LEASE, Outcome, parse_quiet_hours
from shared.errors import Problem
from tests.unit.notify.house import OFFICER, RULE, TODAY, House, events, house_in


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path) as built:
        yield built


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


async def test_temporary_failures_are_retried_and_final_ones_are_not(house: House) -> None:
    await house.firing()
    house.recorder("email").script = [Handover(Outcome.REFUSED, "451 try later")]
    house.recorder("sms").script = [Handover(Outcome.PERMANENT, "404 no such number")]
    assert await house.send() == 2
    assert await house.states("fire") == {"sms": "failed", "email": "queued"}
    assert await house.send() == 0
    house.wait(seconds=37)
    assert await house.send() == 1
    assert await house.states("fire") == {"sms": "failed", "email": "accepted"}
    (mail,) = [m for m in await house.messages() if m["channel"] == "email"]
    assert [attempt["outcome"] for attempt in mail["attempts"]] == ["refused", "accepted"]
    first, second = house.recorder("email").sent
    assert first.delivery_id == second.delivery_id
    (dead,) = await house.messages(state="dead")
    assert dead["reason"] == "404 no such number"
    again = await house.desk.requeue(house.principal, dead["message_id"])
    assert again["state"] == "queued"
    assert await house.send() == 1
    assert await house.states("fire") == {"sms": "accepted", "email": "accepted"}
    with pytest.raises(Problem) as refused:
        await house.desk.requeue(house.principal, dead["message_id"])
    assert refused.value.status == 409


async def test_a_long_outage_ends_with_no_stale_alarm(house: House) -> None:
    await house.firing()
    for _ in range(12):
        house.recorder("sms").script = [Handover(Outcome.UNREACHABLE, "down")]
        house.recorder("email").script = [Handover(Outcome.UNREACHABLE, "down")]
        await house.send()
        house.wait(minutes=2)
    house.figures.correct(list(range(24)), 10)
    await house.round()
    house.recorder("sms").script, house.recorder("email").script = [], []
    sent = len(house.recorder("sms").sent)
    house.wait(minutes=5)
    await house.send()
    house.wait(minutes=5)
    await house.send()
    assert len(house.recorder("sms").sent) == sent
    assert await house.states("fire") == {"sms": "cancelled", "email": "cancelled"}
    assert await house.states("rescind") == {"sms": "cancelled", "email": "cancelled"}


async def test_expires_instead_of_trying_for_ever(house: House) -> None:
    await house.firing()
    house.recorder("sms").script = [Handover(Outcome.REFUSED, "busy")] * 30
    for _ in range(30):
        await house.send()
        house.wait(hours=13)
    states = await house.states("fire")
    assert states["sms"] == "expired"
    assert len(house.recorder("sms").sent) < 12


class Crash(BaseException):
    """The process died here."""


@pytest.mark.parametrize("point", ["notify.after_claim", "notify.after_send", "notify.before_mark"])
async def test_killed_while_sending(house: House, point: str) -> None:
    await house.firing()

    async def die(name: str) -> None:
        if name == point:
            raise Crash

    for kind in ("sms", "email"):
        with pytest.raises(Crash):
            await house.sender(kind, die).once()
        assert await house.sender(kind).once() is None
    assert await house.states("fire") == {"sms": "sending", "email": "sending"}
    house.clock.advance(timedelta(microseconds=LEASE))
    sent_before = 0 if point == "notify.after_claim" else 1
    assert await house.sender("email").drain() == 1
    mails = house.recorder("email").sent
    assert len(mails) == sent_before + 1
    assert len({mail.delivery_id for mail in mails}) == 1
    await house.sender("sms").drain()
    assert (await house.states("fire"))["sms"] == "unknown"
    assert len(house.recorder("sms").sent) == sent_before
    if sent_before:
        token = house.recorder("sms").sent[0].token
        assert await house.desk.receipt(token, "1", "") == "delivered"
    house.clock.advance(timedelta(microseconds=AWAIT_REPORT))
    await house.sender("sms").drain()
    assert len(house.recorder("sms").sent) == 1
    final = {"sms": "delivered" if sent_before else "accepted", "email": "accepted"}
    assert await house.states("fire") == final


async def test_two_senders_never_take_the_same_message(house: House) -> None:
    await house.firing()
    one, two = house.sender("sms"), house.sender("sms")
    assert await one.once()
    assert await two.once() is None


async def test_a_sender_past_its_lease_cannot_undo_what_is_known(house: House) -> None:
    await house.firing()
    resumed: list[str] = []

    async def stopped(name: str) -> None:
        if name == "notify.after_send":
            house.clock.advance(timedelta(microseconds=LEASE))
            house.recorder("email").script = []
            await house.sender("email").drain()
            resumed.append(name)

    house.recorder("email").script = [Handover(Outcome.REFUSED, "451 busy")]
    await house.sender("email", stopped).once()
    assert resumed
    assert (await house.states("fire"))["email"] == "accepted"
    house.wait(hours=1)
    assert await house.sender("email").drain() == 0


async def test_receipts_climb_only_and_are_kept_once(house: House) -> None:
    await house.firing()
    await house.send()
    token = house.recorder("sms").sent[0].token
    states = [await house.desk.receipt(token, kind, "ok") for kind in ("1", "8", "8", "1", "77")]
    assert states == ["delivered"] * 5
    async with house.database.reading() as tx:
        assert (await tx.fetch_one("SELECT count(*) FROM receipts"))[0] == 3
    with pytest.raises(Problem) as strange:
        await house.desk.receipt("forged", "1", "")
    assert strange.value.status == 404


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


async def test_hourly_limit_of_sms(house: House) -> None:
    await house.firing()
    await house.send()
    async with house.database.transaction() as tx:
        (row,) = await tx.fetch("SELECT * FROM deliveries WHERE channel = 'sms'")
        names = [c[1] for c in await tx.fetch("PRAGMA table_info(deliveries)")]
        base = dict(zip(names, row, strict=True))
        for n in range(9):
            made = base | {"delivery_id": f"d{n}", "token": f"t{n}"}
            await tx.insert_rows("deliveries", names, [tuple(made.values())])
    house.figures.correct(list(range(24)), 10)
    await house.round()
    assert await house.send() == 1
    assert (await house.states("rescind")) == {"sms": "queued", "email": "accepted"}
    house.wait(hours=1, seconds=1)
    assert await house.send() == 1
