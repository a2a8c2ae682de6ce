"""The calls of the notify service: rules, officers, alerts, messages, receipts and the mail's link.

Owns paths, needs and documents; what happens is in `desk`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import ValidationError

from services.notify.answers import rule_answer
from services.notify.channels.contract import redacted
from services.notify.desk import Desk
from services.notify.drafts import item_of
from services.notify.life import OPEN_PHASES
from services.notify.links import Links
from services.notify.officer_routes import add_officers, distinct, few
from services.notify.pages import done_page, question_page
from services.notify.paging import PAGE, cursor, next_link, read_cursor
from services.notify.places import Places
from services.notify.schemas import NoteIn, RuleIn
from services.notify.words import LANGUAGES
from shared.access import Principal
from shared.clients.figure_answers import Indicator
from shared.clients.indicators import IndicatorsClient
from shared.errors import FieldError, Problem, not_found
from shared.security import public, require
from shared.web import StrictRoute

_MOST_FORM_BYTES = 4_096
_NEVER_KEPT = {"Cache-Control": "no-store"}
_RECEIPTS = public("delivery reports carry their own secret token")
_TOKEN = Depends(_RECEIPTS)
_LINKS = public("the link is signed for one officer and one alert")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes work with."""

    desk: Desk
    links: Links
    places: Places
    indicators: IndicatorsClient
    zone: Any


Reader = Annotated[Principal, Depends(require("alerts:read"))]
Writer = Annotated[Principal, Depends(require("alerts:write"))]
Ruler = Annotated[Principal, Depends(require("rules:write"))]
Limit = Annotated[int, Query(ge=1, le=200)]


def router(parts: Parts) -> APIRouter:
    """Return all routes of the service."""
    routes = APIRouter(route_class=StrictRoute, tags=["alerts"])
    _rules(routes, parts)
    add_officers(routes, parts.desk, parts.places)
    _alerts(routes, parts)
    _messages(routes, parts)
    _open(routes, parts)
    return routes


def _rules(routes: APIRouter, parts: Parts) -> None:
    desk = parts.desk

    @routes.put("/v1/rules")
    async def put_rules(sent: list[RuleIn], principal: Ruler) -> dict[str, Any]:
        """Store rules by id; a changed rule becomes a new version."""
        few(sent)
        if principal.units is not None:
            raise Problem(403, "outside_units", "Rules hold everywhere; this key does not.")
        distinct([rule.rule_id for rule in sent], "rule_id")
        await _known_indicators(parts.indicators, sent)
        kept = await desk.put_rules(sent, principal.name)
        return {"rules": [rule_answer(rule) for rule in kept]}

    @routes.get("/v1/rules")
    async def get_rules(principal: Reader) -> dict[str, Any]:
        """List the rules in force."""
        del principal
        return {"rules": [rule_answer(rule) for rule in await desk.rules()]}

    @routes.get("/v1/rules/{rule_id:segment}")
    async def get_rule(rule_id: str, principal: Reader) -> dict[str, Any]:
        """Show a rule with all its versions."""
        del principal
        versions = await desk.rule_versions(rule_id)
        shown = [rule_answer(rule, recorded) for rule, recorded in versions]
        return {**shown[-1], "versions": shown}


async def _known_indicators(indicators: IndicatorsClient, sent: list[RuleIn]) -> None:
    """Refuse rules about indicators that do not exist; when nobody can say, believe the caller."""
    try:
        catalogue = await indicators.catalogue()
    except Problem:
        return
    shares = {row["code"]: row for row in catalogue["indicators"] if row["unit"] == "share"}
    detail = "There is no such indicator, or it is no share."
    errors = [
        FieldError(f"/{place}/indicator", "unknown_indicator", detail)
        for place, rule in enumerate(sent)
        if rule.indicator not in shares
    ]
    if errors:
        raise Problem(422, "unknown_indicator", detail, errors=errors)
    detail = "This indicator has no such split."
    errors = [
        FieldError(f"/{place}/split", "invalid_split", detail)
        for place, rule in enumerate(sent)
        if not _splits(shares[rule.indicator], rule.split)
    ]
    if errors:
        raise Problem(422, "invalid_split", detail, errors=errors)


def _splits(indicator: Indicator, split: str | None) -> bool:
    """Whether an indicator has a split: stored, or of a kind that it is split by when asked."""
    kind, separator, word = (split or "").partition(":")
    made = bool(separator and word) and kind in indicator["by"]
    return split is None or made or split in {row["split"] for row in indicator["splits"]}


def _alerts(routes: APIRouter, parts: Parts) -> None:
    desk = parts.desk

    @routes.get("/v1/alerts")
    async def get_alerts(
        request: Request,
        response: Response,
        principal: Reader,
        state: str | None = None,
        unit: str | None = None,
        cursor_: Annotated[str | None, Query(alias="cursor")] = None,
        limit: Limit = PAGE,
    ) -> dict[str, Any]:
        """List alerts, newest first; `unit` takes everything below it in, `state` may be a list."""
        shown, found = await desk.alerts(
            principal, state=state, unit=unit, after=read_cursor(cursor_), limit=limit
        )
        if len(found) == limit:
            after = cursor(found[-1].since, found[-1].alert_id)
            query = {"state": state, "unit": unit, "limit": str(limit)}
            response.headers.update(next_link(request.url.path, query, after))
        return {"alerts": shown}

    @routes.get("/v1/alerts/{alert_id}")
    async def get_alert(alert_id: str, principal: Reader) -> dict[str, Any]:
        """Show an alert with its history and messages."""
        return await desk.alert(principal, alert_id)

    @routes.post(
        "/v1/alerts/{alert_id}/ack",
        openapi_extra={
            "requestBody": {"content": {"application/json": {"schema": NoteIn.model_json_schema()}}}
        },
    )
    async def acknowledge(alert_id: str, request: Request, principal: Writer) -> dict[str, Any]:
        """Take notice of an alert, with or without a note; a second time changes nothing."""
        return await desk.acknowledge(principal, alert_id, await _note(request))


async def _note(request: Request) -> str | None:
    """Return the note of an optional JSON body; raises Problem 415 or 422."""
    if not await request.body():
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, "unsupported_media_type", "Send application/json.")
    try:
        return NoteIn.model_validate(await request.json()).note
    except ValidationError as error:
        first = error.errors()[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        problem = FieldError(pointer, str(first["type"]), str(first["msg"]))
        raise Problem(422, "invalid", problem.detail, errors=[problem]) from None


def _messages(routes: APIRouter, parts: Parts) -> None:
    desk = parts.desk

    @routes.get("/v1/messages")
    async def get_messages(
        request: Request,
        response: Response,
        principal: Reader,
        state: str | None = None,
        cursor_: Annotated[str | None, Query(alias="cursor")] = None,
        limit: Limit = PAGE,
    ) -> dict[str, Any]:
        """List messages, newest first; `state=dead` is what failed or expired."""
        shown, found = await desk.messages(
            principal, state=state, after=read_cursor(cursor_), limit=limit
        )
        if len(found) == limit:
            after = cursor(found[-1].created, found[-1].message_id)
            query = {"state": state, "limit": str(limit)}
            response.headers.update(next_link(request.url.path, query, after))
        return {"messages": shown}

    @routes.post("/v1/messages/{message_id}/requeue")
    async def requeue(message_id: str, principal: Writer) -> dict[str, Any]:
        """Send a message anew that failed, expired or has an unknown fate."""
        return await desk.requeue(principal, message_id)


def _open(routes: APIRouter, parts: Parts) -> None:
    desk, links = parts.desk, parts.links

    told: dict[str, Any] = {"response_class": PlainTextResponse, "dependencies": [_TOKEN]}

    @routes.get("/v1/receipts/sms/{token}", **told)
    @routes.post("/v1/receipts/sms/{token}", **told)
    async def receipt(token: str, request: Request) -> PlainTextResponse:
        """Take a gateway's delivery report: `type` (Kannel's number or a word) and `answer`."""
        given = {**request.query_params}
        kind = (given.get("type") or given.get("status") or "")[:20]
        state = await desk.receipt(token, kind, redacted(given.get("answer", "")))
        return PlainTextResponse(state)

    @routes.get("/v1/acks/{token}", dependencies=[Depends(_LINKS)], include_in_schema=False)
    async def ask(token: str) -> HTMLResponse:
        """Show what the alert says and a button; opening the link changes nothing."""
        named = links.read(token)
        linked = None if named is None else await desk.of_link(*named)
        if linked is None:
            raise not_found("link")
        alert, officer = linked
        rule = await desk.rule_of(alert)
        language = officer.language if officer.language in LANGUAGES else "en"
        page = question_page(
            item_of(alert, rule, parts.zone),
            officer.name,
            language,
            still_open=alert.state in OPEN_PHASES and alert.acknowledged is None,
        )
        return HTMLResponse(page, headers=_NEVER_KEPT)

    @routes.post("/v1/acks/{token}", dependencies=[Depends(_LINKS)], include_in_schema=False)
    async def press(token: str, request: Request) -> HTMLResponse:
        """Take notice in the officer's name."""
        named = links.read(token)
        linked = None if named is None else await desk.of_link(*named)
        if named is None or linked is None:
            raise not_found("link")
        done = await desk.acknowledge_by_link(*named, await _form_note(request))
        alert, officer = linked
        language = officer.language if officer.language in LANGUAGES else "en"
        rule = await desk.rule_of(alert)
        page = done_page(item_of(alert, rule, parts.zone), language, done=done)
        return HTMLResponse(page, headers=_NEVER_KEPT)


async def _form_note(request: Request) -> str | None:
    """Return the note field of a small form, or None."""
    body = await request.body()
    if len(body) > _MOST_FORM_BYTES:
        raise Problem(413, "too_large", "The form is too large.")
    try:
        fields = parse_qs(body.decode("utf-8"), max_num_fields=5)
    except ValueError:
        return None
    note = fields.get("note", [""])[0].strip()[:500]
    return note or None
