"""An alert's whole life through real parts: visits in, one mail and one SMS out, acknowledged,
resolved, rescinded when the visits behind it are corrected; and outages that drain by themselves.
"""

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.support.kafka import Kafka
from tests.support.kannel import Kannel
from tests.support.processes import Deployment, Processes
from tests.support.smtp_sink import SmtpSink
from tests.support.waiting import eventually

ZONE = ZoneInfo("Asia/Karachi")
PACE = {
    "RTSM_NOTIFY__EVALUATE_SECONDS": "0.2",
    "RTSM_NOTIFY__FLUSH_SECONDS": "0",
    "RTSM_NOTIFY__QUIET_HOURS": "none",
}
RULE = {
    "rule_id": "teachers-low",
    "indicator": "teacher_attendance",
    "split": None,
    "level": "district",
    "window": "last-28-days",
    "below": 0.70,
    "recover_above": 0.73,
    "confidence": 0.95,
    "min_visits": 8,
    "min_schools": 5,
    "severity": "warning",
    "posts": ["DEO"],
    "enabled": True,
}
UNITS = [
    {"unit_id": "PK-BA", "name": "Balochistan", "level": "province", "parent_id": None},
    {"unit_id": "KAL", "name": "Kalat", "names": {"ur": "قلات"}, "level": "district",
     "parent_id": "PK-BA"},
    {"unit_id": "KAL-1", "name": "GHS Kalat", "level": "cluster", "parent_id": "KAL"},
]  # fmt: skip


def officer(phone: str, language: str) -> dict[str, Any]:
    return {
        "officer_id": "deo-kalat",
        "name": "Abdul Karim",
        "post": "DEO",
        "language": language,
        "email": "deo.kalat@example.org",
        "phone": phone,
        "channels": ["sms", "email"],
        "postings": [{"unit_id": "KAL", "from": "2018-01-01", "to": None}],
    }


def settings(sink: SmtpSink, kannel: Kannel) -> dict[str, str]:
    return PACE | {
        "RTSM_SMTP__HOST": sink.host,
        "RTSM_SMTP__PORT": str(sink.port),
        "RTSM_SMTP__TLS": "none",
        "RTSM_SMTP__SENDER": "rtsm@gov.example",
        "RTSM_SMS__KIND": "kannel",
        "RTSM_SMS__URL": kannel.url,
        "RTSM_SMS__USERNAME": kannel.username,
        "RTSM_SMS__PASSWORD": kannel.password,
        "RTSM_SMS__SENDER": kannel.sender,
    }


class Office:
    """One deployment as a test uses it: visits in, alerts out."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.sent: list[dict[str, Any]] = []

    async def prepare(self, phone: str, language: str = "en") -> None:
        schools = [
            {"school_code": f"{n:05d}", "name": f"GPS {n}", "unit_id": "KAL-1", "level": "primary",
             "gender": "mixed", "status": "open"}
            for n in range(1, 61)
        ]  # fmt: skip
        for path, body in (
            ("/v1/units", UNITS),
            ("/v1/schools", schools),
            ("/v1/officers", [officer(phone, language)]),
            ("/v1/rules", [RULE]),
        ):
            answer = await self.client.put(path, json=body)
            assert answer.status_code == 200, answer.text

    async def visits(self, first: int, last: int, present: int, *, days_ago: int = 1) -> None:
        """One visit to each of some schools with four teachers posted, sent as one batch."""
        day = datetime.now(UTC).astimezone(ZONE) - timedelta(days=days_ago)
        at = day.replace(hour=10, minute=0, second=0, microsecond=0).isoformat()
        bodies = [
            {
                "visit_id": str(uuid.uuid4()),
                "school_code": f"{school:05d}",
                "visited_at": at,
                "status": "open",
                "teachers": {"male": {"posted": 4, "present": present}},
            }
            for school in range(first, last + 1)
        ]
        answer = await self.client.post("/v1/visits/batch", json=bodies)
        assert answer.json()["accepted"] == len(bodies), answer.text
        self.sent += bodies

    async def correct(self, body: dict[str, Any], present: int) -> None:
        corrected = body | {"teachers": {"male": {"posted": 4, "present": present}}}
        answer = await self.client.put(
            f"/v1/visits/{body['visit_id']}", json=corrected, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 200, answer.text

    async def alerts(self, state: str) -> list[dict[str, Any]]:
        answer = await self.client.get("/v1/alerts", params={"state": state, "unit": "KAL"})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["alerts"]
        return found

    async def until(self, state: str) -> dict[str, Any]:
        found = await eventually(lambda: self.alerts(state), f"an alert that is {state}", 60)
        assert len(found) == 1
        return found[0]

    async def until_told(self, step: str, states: dict[str, set[str]]) -> None:
        async def told() -> bool:
            messages = (await self.client.get("/v1/messages")).json()["messages"]
            found = {m["channel"]: m["state"] for m in messages if m["step"] == step}
            return all(found.get(channel) in wanted for channel, wanted in states.items())

        await eventually(told, f"{step} told as {states}", 60)

    async def until_seen(self, visits: int) -> None:
        """Wait until the open alert's newest statistic holds this many visits."""

        async def seen() -> bool:
            answer = await self.client.get("/v1/alerts", params={"unit": "KAL", "limit": 1})
            alerts = answer.json()["alerts"]
            return bool(alerts) and alerts[0]["latest"]["visits"] == visits

        await eventually(seen, f"{visits} visits evaluated", 60)

    async def until_tried(self) -> None:
        """Wait until every message was tried twice in vain."""

        async def tried() -> bool:
            messages = (await self.client.get("/v1/messages")).json()["messages"]
            return bool(messages) and all(len(m["attempts"]) >= 2 for m in messages)

        await eventually(tried, "two attempts each", 60)

    async def fire(self) -> dict[str, Any]:
        await self.visits(1, 20, 1)
        pending = await self.until("pending")
        assert pending["messages"] == []
        await self.visits(21, 24, 1)
        return await self.until("firing")


TOLD = {"sms": {"delivered"}, "email": {"accepted"}}
_phones = iter(range(3_001_000_000, 3_001_000_999))


@pytest.mark.kannel
async def test_an_alert_is_told_once_acknowledged_and_resolved(
    processes: Processes, smtp_sink: SmtpSink, kannel: Kannel
) -> None:
    deployment = processes.embedded(settings=settings(smtp_sink, kannel))
    async with deployment.client() as client:
        await told_once_and_resolved(Office(client), smtp_sink, kannel)


@pytest.mark.kannel
async def test_an_alert_is_rescinded_when_its_visits_are_corrected(
    processes: Processes, smtp_sink: SmtpSink, kannel: Kannel
) -> None:
    deployment = processes.embedded(settings=settings(smtp_sink, kannel))
    async with deployment.client() as client:
        await rescinded_by_corrections(Office(client), smtp_sink, kannel)


@pytest.mark.kannel
@pytest.mark.distributed
async def test_the_same_life_in_four_processes(
    processes: Processes,
    smtp_sink: SmtpSink,
    kannel: Kannel,
    kafka: Kafka,
    postgres_url: str,
    redis_url: str,
) -> None:
    deployment = processes.distributed(
        postgres_url, kafka.bootstrap, redis_url, settings=settings(smtp_sink, kannel)
    )
    async with deployment.client() as client:
        office = Office(client)
        await told_once_and_resolved(office, smtp_sink, kannel)


async def told_once_and_resolved(office: Office, smtp_sink: SmtpSink, kannel: Kannel) -> None:
    phone = f"+92{next(_phones)}"
    await office.prepare(phone)
    alert = await office.fire()
    await office.until_told("fire", TOLD)
    (mail,) = smtp_sink.mails
    (sms,) = kannel.messages(phone)
    assert alert["code"] in mail.subject
    assert alert["code"] in mail.text()
    assert alert["code"] in sms.text
    assert "Kalat: teacher attendance 25% (limit 70%)" in sms.text
    assert mail.recipients == ("deo.kalat@example.org",)
    assert (alert["numerator"], alert["denominator"], alert["visits"]) == (24, 96, 24)
    assert alert["interval"][1] < 0.7

    await office.visits(30, 30, 1)
    await office.until_seen(25)
    assert len(smtp_sink.mails) == 1
    assert len(kannel.messages(phone)) == 1

    link = re.search(r"https?://\S+(/v1/acks/\S+)", mail.text())
    assert link is not None
    answer = await office.client.post(f"/v1/alerts/{alert['alert_id']}/ack", json={"note": "seen"})
    assert answer.json()["state"] == "acknowledged"

    await office.visits(1, 60, 4, days_ago=2)
    await office.visits(1, 60, 4, days_ago=3)
    recovering = await office.until("recovering")
    assert recovering["acknowledged_at"] is not None
    await office.visits(31, 31, 4, days_ago=4)
    resolved = await office.until("resolved")
    await office.until_told("resolve", TOLD)
    assert resolved["alert_id"] == alert["alert_id"]
    assert [step["to"] for step in resolved["history"]] == [
        "pending",
        "firing",
        "acknowledged",
        "recovering",
        "resolved",
    ]
    assert len(smtp_sink.mails) == 2
    assert [found.text.split(".")[0] for found in kannel.messages(phone)] == [
        f"RTSM alert {alert['code']}",
        f"RTSM {alert['code']} resolved",
    ]


async def rescinded_by_corrections(office: Office, smtp_sink: SmtpSink, kannel: Kannel) -> None:
    phone = f"+92{next(_phones)}"
    await office.prepare(phone, "ur")
    alert = await office.fire()
    await office.until_told("fire", TOLD)
    (sms,) = kannel.messages(phone)
    assert alert["code"] in sms.text
    assert "قلات" in sms.text
    for body in office.sent[:20]:
        await office.correct(body, 4)
    rescinded = await office.until("rescinded")
    assert rescinded["alert_id"] == alert["alert_id"]
    await office.until_told("rescind", TOLD)
    assert len(smtp_sink.mails) == 2
    assert len(kannel.messages(phone)) == 2
    assert "واپس" in kannel.messages(phone)[1].text


@pytest.mark.kannel
async def test_outages_stop_nothing_and_drain_by_themselves(
    processes: Processes, smtp_sink: SmtpSink, kannel: Kannel
) -> None:
    phone = f"+92{next(_phones)}"
    smtp_sink.stop()
    kannel.kill()
    deployment = processes.embedded(settings=settings(smtp_sink, kannel))
    async with deployment.client() as client:
        office = Office(client)
        await office.prepare(phone)
        alert = await office.fire()
        missing = (await client.get("/health/ready")).json()["missing"]
        assert {"notify:sms", "notify:email"} <= set(missing)
        await office.until_tried()
        smtp_sink.start()
        await asyncio.to_thread(kannel.start)
        await office.until_told("fire", TOLD)
        assert len(smtp_sink.mails) == 1
        assert [alert["code"] in found.text for found in kannel.messages(phone)] == [True]
        assert (await client.get("/health/ready")).status_code == 200


@pytest.mark.kannel
async def test_killed_at_any_time_every_message_arrives(
    processes: Processes, smtp_sink: SmtpSink, kannel: Kannel
) -> None:
    phone = f"+92{next(_phones)}"
    deployment: Deployment = processes.embedded(settings=settings(smtp_sink, kannel))
    (served,) = deployment.all
    async with deployment.client() as client:
        office = Office(client)
        await office.prepare(phone)
        await office.visits(1, 20, 1)
        await office.until("pending")
        await office.visits(21, 24, 1)
        await asyncio.to_thread(served.kill)
        await asyncio.to_thread(served.start)
        await office.until("firing")
        await office.until_told("fire", TOLD)
        await asyncio.to_thread(served.kill)
        await asyncio.to_thread(served.start)
        await office.visits(30, 30, 1)
        await office.until_seen(25)
        assert len(smtp_sink.mails) == 1
        assert len(kannel.messages(phone)) == 1
