"""The calls about officers: their postings, who held a post on a day, and posts that are vacant.

Owns paths, needs and which officers a caller may see: names of those posted in own units, contacts
for `contacts:read` only.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.notify.answers import holding_answer, officer_answer, vacancy_answer
from services.notify.desk import Desk
from services.notify.directory import Holding, Officer, holding
from services.notify.paging import cursor, next_link, read_cursor
from services.notify.places import Places
from services.notify.schemas import OfficerIn
from services.notify.vacancies import vacancies
from shared.access import Principal
from shared.domain.days import day_date, day_number
from shared.errors import FieldError, Problem, not_found
from shared.queries import Day
from shared.security import require

MOST_ITEMS = 1_000
Reader = Annotated[Principal, Depends(require("alerts:read"))]
Registrar = Annotated[Principal, Depends(require("officers:write"))]
Unit = Annotated[str | None, Query(min_length=1, max_length=128, description="a unit's id")]
Post = Annotated[
    str | None, Query(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$", description="such as DEO")
]
On = Annotated[Day | None, Query(description="a day, such as 2018-03-05; default today")]


def add_officers(routes: APIRouter, desk: Desk, places: Places) -> None:
    """Add `/v1/officers` and `/v1/vacancies`."""
    _put(routes, desk, places)
    _get(routes, desk, places)
    _vacancies(routes, desk, places)


def few(items: list[Any]) -> None:
    """Raise Problem 413 for more than a thousand."""
    if len(items) > MOST_ITEMS:
        raise Problem(413, "too_many", f"Send at most {MOST_ITEMS} at once.")


def distinct(ids: list[str], field: str) -> None:
    """Raise Problem 422 when an id comes twice; `field` names it in the pointer."""
    seen: set[str] = set()
    for place, name in enumerate(ids):
        if name in seen:
            detail = "This id comes twice."
            error = FieldError(f"/{place}/{field}", "duplicate_id", detail)
            raise Problem(422, "duplicate_id", detail, errors=[error])
        seen.add(name)


def _put(routes: APIRouter, desk: Desk, places: Places) -> None:
    @routes.put("/v1/officers")
    async def put_officers(sent: list[OfficerIn], principal: Registrar) -> dict[str, Any]:
        """Store officers by id, each with all postings; what is stored already changes nothing."""
        few(sent)
        distinct([officer.officer_id for officer in sent], "officer_id")
        people = [officer.officer() for officer in sent]
        if principal.units is not None:
            # Nor may a key take over an officer who serves elsewhere.
            known = await desk.officers_of([person.officer_id for person in people])
            for person in (*people, *known):
                if not await _all_inside(places, principal, person):
                    raise not_found("unit")
        changed = await desk.put_officers(people)
        contacts = principal.has("contacts:read")
        shown = [officer_answer(person, contacts=contacts) for person in people]
        return {"officers": shown, "stored": len(people), "changed": changed}


def _get(routes: APIRouter, desk: Desk, places: Places) -> None:
    @routes.get("/v1/officers")
    async def get_officers(
        request: Request,
        response: Response,
        principal: Reader,
        unit: Unit = None,
        post: Post = None,
        on: On = None,
        cursor_: Annotated[str | None, Query(alias="cursor", max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    ) -> dict[str, Any]:
        """List officers by id, or tell who holds a post for a unit on a day.

        With `unit`, the answer is who holds each post (or the one named) for that unit on the day:
        at the unit or at the nearest unit above, the acting officer only where the post itself is
        vacant; `holding` is the posting. Contacts are in full only with contacts:read.
        """
        contacts = principal.has("contacts:read")
        everybody = await desk.officers()
        if unit is not None:
            day = _number(on, desk.today())
            path = await _path(places, principal, unit)
            posts = {post} if post else {p for person in everybody for p in person.posts()}
            held = [one for p in sorted(posts) for one in holding(everybody, p, path, day)]
            if principal.units is not None:
                # Where else the officer serves is not the caller's to see.
                held = [_alone(one) for one in held]
            return {
                "on": day_date(day).isoformat(),
                "officers": [holding_answer(one, contacts=contacts) for one in held],
            }
        chosen = _serving(everybody, post, None if on is None else day_number(on))
        after = read_cursor(cursor_)
        shown: list[dict[str, Any]] = []
        for person in chosen:
            if after is not None and person.officer_id <= after[1]:
                continue
            if len(shown) == limit:
                query = {
                    "post": post,
                    "on": None if on is None else on.isoformat(),
                    "limit": str(limit),
                }
                last = cursor(0, shown[-1]["officer_id"])
                response.headers.update(next_link(request.url.path, query, last))
                break
            if (seen := await _seen(places, principal, person)) is not None:
                shown.append(officer_answer(seen, contacts=contacts))
        return {"officers": shown}


def _vacancies(routes: APIRouter, desk: Desk, places: Places) -> None:
    @routes.get("/v1/vacancies")
    async def get_vacancies(
        principal: Reader, unit: Unit = None, post: Post = None, on: On = None
    ) -> dict[str, Any]:
        """List the posts that nobody holds on a day, and who acts in them.

        A post is known by its postings: somebody was, is or will be there. `unit` takes everything
        below it in.
        """
        day = _number(on, desk.today())
        if unit is not None:
            await _path(places, principal, unit)
        shown = []
        for vacancy in vacancies(await desk.officers(), day):
            wanted = post is None or vacancy.post == post
            if wanted and await _below(places, principal, vacancy.unit_id, unit):
                shown.append(vacancy_answer(vacancy))
        return {"on": day_date(day).isoformat(), "vacancies": shown}


def _number(on: date | None, otherwise: int) -> int:
    """Return the number of a day, or the other for none."""
    return otherwise if on is None else day_number(on)


def _serving(officers: list[Officer], post: str | None, day: int | None) -> list[Officer]:
    """Return the officers with a posting in the post and on the day, as far as these are given."""
    if post is None and day is None:
        return officers
    return [
        person
        for person in officers
        if any(
            (day is None or posting.holds(day)) and post in (None, posting.post or person.post)
            for posting in person.postings
        )
    ]


def _alone(held: Holding) -> Holding:
    return replace(held, officer=replace(held.officer, postings=(held.posting,)))


async def inside(places: Places, principal: Principal, unit_id: str) -> bool:
    """Return whether a unit is one of the caller's or below one."""
    if principal.units is None or unit_id in principal.units:
        return True
    place = await places.place(unit_id)
    return place is not None and bool(principal.units.intersection(place.path))


async def _path(places: Places, principal: Principal, unit_id: str) -> tuple[str, ...]:
    """Return a unit and all above it; raises Problem 404 outside the caller's units."""
    place = await places.place(unit_id)
    if place is None or not await inside(places, principal, unit_id):
        raise not_found("unit")
    return place.path


async def _below(places: Places, principal: Principal, unit_id: str, above: str | None) -> bool:
    if not await inside(places, principal, unit_id):
        return False
    if above is None or above == unit_id:
        return True
    place = await places.place(unit_id)
    return place is not None and above in place.path


async def _all_inside(places: Places, principal: Principal, person: Officer) -> bool:
    units = {posting.unit_id for posting in person.postings}
    return bool(units) and all([await inside(places, principal, unit) for unit in units])


async def _seen(places: Places, principal: Principal, person: Officer) -> Officer | None:
    """Return an officer with the postings the caller may see, None when there is none."""
    if principal.units is None:
        return person
    units = {posting.unit_id for posting in person.postings}
    seen = {unit for unit in units if await inside(places, principal, unit)}
    if not seen:
        return None
    kept = tuple(posting for posting in person.postings if posting.unit_id in seen)
    return replace(person, postings=kept)
