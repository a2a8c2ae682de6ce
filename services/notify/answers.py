"""The wire forms of what notify answers: alerts, messages, rules and officers.

Owns field names. Contacts are masked unless the caller may see them; the body of a mail is never
shown, because it holds a link that acknowledges.
"""

from __future__ import annotations

from typing import Any

from services.notify.deliveries import Delivery
from services.notify.directory import Holding, Officer, Posting, masked
from services.notify.history import Transition
from services.notify.outbox import Message
from services.notify.rules import Rule, to_json
from services.notify.store import Alert
from services.notify.vacancies import Vacancy
from shared.clock import rfc3339
from shared.domain.days import day_date

Attempt = tuple[int, int, int | None, str, str]


def _day(number: int | None) -> str | None:
    return None if number is None else day_date(number).isoformat()


def _time(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def rule_answer(rule: Rule, recorded: int | None = None) -> dict[str, Any]:
    """Return a rule; `recorded` (µs) is when this version was stored."""
    body = to_json(rule)
    return body if recorded is None else body | {"recorded_at": rfc3339(recorded)}


def officer_answer(officer: Officer, *, contacts: bool) -> dict[str, Any]:
    """Return an officer, with contacts in full or masked."""
    return {
        "officer_id": officer.officer_id,
        "name": officer.name,
        "post": officer.post,
        "language": officer.language,
        "email": officer.email if contacts else masked(officer.email),
        "phone": officer.phone if contacts else masked(officer.phone),
        "channels": list(officer.channels),
        "postings": [posting_answer(posting) for posting in officer.postings],
    }


def posting_answer(posting: Posting) -> dict[str, Any]:
    """Return a posting; `post` and `acting` only where they say something."""
    shown: dict[str, Any] = {
        "unit_id": posting.unit_id,
        "from": _day(posting.first),
        "to": _day(posting.last),
    }
    if posting.post is not None:
        shown["post"] = posting.post
    if posting.acting:
        shown["acting"] = True
    return shown


def holding_answer(held: Holding, *, contacts: bool) -> dict[str, Any]:
    """Return an officer together with the posting by which a post is held."""
    shown = {"post": held.post, "acting": held.posting.acting} | posting_answer(held.posting)
    return officer_answer(held.officer, contacts=contacts) | {"holding": shown}


def vacancy_answer(vacancy: Vacancy) -> dict[str, Any]:
    """Return a vacant post with the days it is vacant, and who acts."""
    return {
        "unit_id": vacancy.unit_id,
        "post": vacancy.post,
        "vacant_since": _day(vacancy.since),
        "filled_from": _day(vacancy.filled_from),
        "acting": [{"officer_id": o.officer_id, "name": o.name} for o in vacancy.acting],
    }


def statistics_answer(seen: dict[str, Any]) -> dict[str, Any]:
    """Return a stored statistic with its time as RFC 3339."""
    return {**seen, "known_at": rfc3339(seen["known_at"])}


def transition_answer(made: Transition) -> dict[str, Any]:
    """Return one line of an alert's history."""
    return {
        "at": rfc3339(made.at),
        "from": made.before,
        "to": made.after,
        "reason": made.reason,
        "rule_version": made.rule_version,
        "actor": made.actor,
        "note": made.note,
        "statistics": None if made.statistics is None else statistics_answer(made.statistics),
    }


def message_answer(
    message: Message, delivery: Delivery | None, attempts: list[Attempt]
) -> dict[str, Any]:
    """Return a message with the text that was handed over and every attempt at it."""
    return {
        "message_id": message.message_id,
        "alert_id": message.alert_id,
        "step": message.step,
        "officer_id": message.officer_id or None,
        "post": message.post,
        "channel": None if message.state == "vacant" else message.channel,
        "state": message.state,
        "reason": message.reason,
        "text": None if delivery is None else delivery.text,
        "segments": None if delivery is None else delivery.segments,
        "language": None if delivery is None else delivery.language,
        "delivery_id": message.delivery_id,
        "created_at": rfc3339(message.created),
        "due_at": rfc3339(message.due),
        "expires_at": rfc3339(message.expires),
        "updated_at": rfc3339(message.updated),
        "next_attempt_at": None if delivery is None else _time(delivery.look),
        "attempts": [
            {
                "number": number,
                "started_at": rfc3339(started),
                "ended_at": _time(ended),
                "outcome": outcome,
                "detail": detail,
            }
            for number, started, ended, outcome, detail in attempts
        ],
    }


def alert_answer(
    alert: Alert, history: list[Transition], messages: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return an alert: the figure it stands on, the newest one, its history and messages."""
    decided = alert.decided
    return {
        "alert_id": alert.alert_id,
        "code": alert.code,
        "rule_id": alert.rule_id,
        "rule_version": alert.rule_version,
        "unit_id": alert.unit_id,
        "unit_name": alert.name,
        "indicator": alert.indicator,
        "split": alert.split,
        "definition": decided.get("definition"),
        "severity": alert.severity,
        "state": alert.state,
        "value": decided["value"],
        "numerator": decided["numerator"],
        "denominator": decided["denominator"],
        "visits": decided["visits"],
        "schools": decided["schools"],
        "interval": decided["interval"],
        "probability": decided["probability"],
        "first_day": decided["first_day"],
        "last_day": decided["last_day"],
        "since": rfc3339(alert.since),
        "fired_at": _time(alert.fired),
        "acknowledged_at": _time(alert.acknowledged),
        "closed_at": _time(alert.closed),
        "latest": statistics_answer(alert.latest),
        "history": [transition_answer(made) for made in history],
        "messages": messages,
    }
