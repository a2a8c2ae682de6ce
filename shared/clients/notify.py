"""A thin client of the notify service, and the types of its answers.

Answers are plain dictionaries as they came; a refusal is raised as the Problem that it is. Which
process answers is the platform's business.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from typing_extensions import TypedDict

from shared.clients.indicators import refusal
from shared.errors import Problem


class Message(TypedDict):
    """One decision to tell one officer one thing on one channel, and what became of it."""

    message_id: str
    alert_id: str
    step: str
    officer_id: str | None
    post: str
    channel: str | None
    state: str
    reason: str
    text: str | None
    segments: int | None
    created_at: str
    due_at: str
    expires_at: str


class Transition(TypedDict):
    """One line of an alert's history."""

    at: str
    reason: str
    rule_version: int
    actor: str | None
    note: str | None
    statistics: dict[str, Any] | None


class Alert(TypedDict):
    """An alert; figures are those it stands on, `latest` the newest ones seen."""

    alert_id: str
    code: str
    rule_id: str
    rule_version: int
    unit_id: str
    unit_name: str
    indicator: str
    split: str | None
    severity: str
    state: str
    value: float | None
    numerator: int
    denominator: int
    visits: int
    schools: int
    interval: tuple[float, float] | None
    probability: float | None
    first_day: str
    last_day: str
    since: str
    fired_at: str | None
    acknowledged_at: str | None
    closed_at: str | None
    latest: dict[str, Any]
    history: list[Transition]
    messages: list[Message]


class Alerts(TypedDict):
    """Alerts, newest first; the next page is in the Link header."""

    alerts: list[Alert]


class NotifyClient:
    """Asks the notify service over an httpx client (`platform.client("notify")`)."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def _ask(self, method: str, path: str, **asked: Any) -> Any:
        try:
            answer = await self._client.request(method, path, **asked)
        except httpx.HTTPError as error:
            detail = "The notify service does not answer."
            raise Problem(503, "notify_away", detail, headers={"Retry-After": "1"}) from error
        if not answer.is_success:
            raise refusal(answer)
        return msgspec.json.decode(answer.content)

    async def alerts(
        self, *, unit: str | None = None, states: Sequence[str] = (), limit: int = 50
    ) -> Alerts:
        """Alerts of a unit and everything below it, newest first (first page)."""
        params: dict[str, str] = {"limit": str(limit)}
        if unit is not None:
            params["unit"] = unit
        if states:
            params["state"] = ",".join(states)
        found: Alerts = await self._ask("GET", "/v1/alerts", params=params)
        return found

    async def alert(self, alert_id: str) -> Alert:
        """One alert; raises Problem 404."""
        found: Alert = await self._ask("GET", f"/v1/alerts/{quote(alert_id, safe='')}")
        return found

    async def acknowledge(self, alert_id: str, note: str | None = None) -> Alert:
        """Take notice of an alert; raises Problem 404 or 409."""
        path = f"/v1/alerts/{quote(alert_id, safe='')}/ack"
        found: Alert = await self._ask("POST", path, json={"note": note})
        return found

    async def people(self, email: str) -> list[dict[str, Any]]:
        """The officers of an e-mail address with what they are today; none is an empty list."""
        found = await self._ask("POST", "/v1/sign-ins", json={"email": email})
        people: list[dict[str, Any]] = found["people"]
        return people

    async def person(self, officer_id: str) -> dict[str, Any]:
        """What an officer is today; raises Problem 404."""
        found: dict[str, Any] = await self._ask("GET", _sign_in(officer_id))
        return found

    async def mail_link(self, officer_id: str, token: str) -> None:
        """Mail a link to sign in; raises Problem when the mail was not taken."""
        await self._ask("POST", f"{_sign_in(officer_id)}/mail", json={"token": token})


def _sign_in(officer_id: str) -> str:
    return f"/v1/sign-ins/{quote(officer_id, safe='')}"
