"""From decided messages to a finished text: what is true now, for whom, in which language.

Owns the re-check's facts, the items of a text, the frozen text of a delivery and the envelope. The
words are in `messages`; the decision to send is `policy`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from services.notify import directory, messages, outbox, rulebook, store, telling
from services.notify.channels.contract import Envelope
from services.notify.deliveries import Delivery
from services.notify.links import Links
from services.notify.messages import Item, item_from_json, item_json
from services.notify.outbox import Message
from services.notify.policy import DAY, Situation, Step
from services.notify.rules import SEVERITIES, Rule
from services.notify.segments import segments
from services.notify.store import Alert
from services.notify.telling import Timing
from services.notify.words import LANGUAGES
from shared.clock import from_micros
from shared.db.transaction import Tx
from shared.domain.days import local_day


@dataclass(frozen=True, slots=True)
class Draft:
    """A text ready to be frozen: for whom, about which alerts, in which language."""

    recipient: str
    step: str
    language: str
    severity: str
    text: str
    items: list[dict[str, Any]]
    segments: int


class Drafts:
    """Looks facts up inside the sender's transaction and puts them into words."""

    def __init__(self, links: Links, zone: ZoneInfo) -> None:
        self._links = links
        self._zone = zone

    async def situation(self, tx: Tx, message: Message, now: int) -> tuple[Situation, str | None]:
        """Return what is true about a message now, and the open alert above that blocks it."""
        alert = await store.alert(tx, message.alert_id)
        path = await store.path_of(tx, message.alert_id)
        people = await directory.posted_on(tx, path)
        day = local_day(now, self._zone)
        posted = any(
            directory.may_be_told(person, people, message.post, path, day)
            for person in people
            if person.officer_id == message.officer_id
        )
        blocker = None if alert is None else await store.blocker_of(tx, alert, path)
        closing = message.step in (Step.RESOLVE, Step.RESCIND)
        case = Situation(
            step=message.step,
            alert="gone" if alert is None else alert.state,
            acknowledged=alert is not None and alert.acknowledged is not None,
            posted=posted,
            told=await outbox.told_state(tx, message) if closing else None,
            blocker=blocker,
            expired=now >= message.expires,
        )
        return case, blocker

    async def tell_successor(self, tx: Tx, message: Message, now: int, timing: Timing) -> None:
        """Decide to tell whoever holds the post now instead of somebody who left it."""
        alert = await store.alert(tx, message.alert_id)
        if message.step == Step.FIRE and alert is not None and alert.closed is None:
            await telling.tell_fire(tx, alert, [message.post], now, timing)

    async def draft(self, tx: Tx, chosen: Sequence[Message]) -> Draft | None:
        """Return the text about messages of one officer, channel and step; None without address."""
        first = chosen[0]
        people = await directory.officers(tx, [first.officer_id])
        recipient = people[0].address(first.channel) if people else None
        if recipient is None:
            return None
        language = people[0].language if people[0].language in LANGUAGES else "en"
        alerts = await store.alerts_of(tx, [message.alert_id for message in chosen])
        items, severity = [], 0
        for alert in alerts.values():
            rule = await rulebook.rule_at(tx, alert.rule_id, alert.rule_version)
            if rule is not None:
                items.append(item_of(alert, rule, self._zone))
                severity = max(severity, rule.severity_rank)
        email = first.channel == "email"
        write = messages.subject if email else messages.sms
        text = write(first.step, items, language)
        return Draft(
            recipient=recipient,
            step=first.step,
            language=language,
            severity=SEVERITIES[severity],
            text=text,
            items=[item_json(item) for item in items],
            segments=0 if email else segments(text),
        )

    def links(self, draft: Draft, officer_id: str) -> dict[str, dict[str, str]]:
        """Return the addresses that go into a mail: acknowledging (while open) and the card."""
        found = {}
        for item in draft.items:
            addresses = {}
            if draft.step in (Step.FIRE, Step.REMIND):
                addresses["ack"] = self._links.acknowledge(item["alert_id"], officer_id)
            addresses["card"] = self._links.card(item["unit_id"])
            found[item["alert_id"]] = addresses
        return found


def item_of(alert: Alert, rule: Rule, zone: ZoneInfo) -> Item:
    """Return an alert as it is told: the figure it fired on and, once ended, the newest one."""
    ended = alert.closed is not None
    latest = alert.latest
    begun = alert.fired or alert.since
    return Item(
        alert_id=alert.alert_id,
        code=alert.code,
        unit_id=alert.unit_id,
        name=alert.name,
        urdu_name=alert.urdu_name,
        indicator=alert.indicator,
        split=alert.split,
        numerator=alert.decided["numerator"],
        denominator=alert.decided["denominator"],
        limit=str(rule.threshold),
        below=rule.higher_is_better,
        visits=alert.decided["visits"],
        schools=alert.decided["schools"],
        first_day=alert.decided["first_day"],
        last_day=alert.decided["last_day"],
        probability=alert.decided["probability"],
        since=from_micros(begun).astimezone(zone).date().isoformat(),
        severity_rank=rule.severity_rank,
        now=(latest["numerator"], latest["denominator"]) if ended else None,
        open_days=0 if alert.closed is None else (alert.closed - begun) // DAY,
        names=alert.decided.get("names"),
    )


def envelope(of: Delivery, draft: Draft, links: Mapping[str, Mapping[str, str]]) -> Envelope:
    """Return what a channel hands over for a delivery."""
    items = [item_from_json(body) for body in of.items]
    body, page = messages.mail(of.step, items, of.language, links)
    ordered = messages.worst_first(items)
    return Envelope(
        delivery_id=of.delivery_id,
        token=of.token,
        recipient=draft.recipient,
        text=of.text,
        subject=of.text,
        body=body,
        page=page,
        language=of.language,
        codes=tuple(item.code for item in ordered),
        threads=tuple(item.alert_id for item in ordered),
        created=of.created,
        expires=of.expires,
    )
