"""Messages handed over: failures, outages, crashes, leases, receipts and the hourly limit."""

from datetime import timedelta

import pytest

from services.notify.channels.contract import Handover
from services.notify.policy import AWAIT_REPORT, LEASE, Outcome
from shared.errors import Problem
from tests.unit.notify.house import House


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
