"""`/v1/keys`: making, listing, rotating, ending and revoking API keys over HTTP.

Owns the wire forms and who may touch which key: a key made here is never wider than the one that
made it. The command line does the same without a server.
"""

from datetime import UTC, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shared.access import SCOPES, Access, Principal
from shared.access_keys import OVERLAP_HOURS, Key, KeyRefused, Made
from shared.clock import Clock
from shared.errors import FieldError, Problem, not_found
from shared.limits import Limit
from shared.security import require
from shared.web import StrictRoute

MOST_DAYS = 3_650
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+$"
_NEVER_KEPT = {"Cache-Control": "no-store"}
_EXAMPLE: dict[str, Any] = {
    "key_id": "3f9c0a71be44",
    "name": "pmc",
    "source": "pmc-tablets",
    "scopes": ["visits:write"],
    "units": ["PK-BA-QTA"],
    "state": "live",
    "created": "2026-01-05T00:00:00.000000Z",
    "expires": "2026-07-04T00:00:00.000000Z",
    "revoked": None,
    "last_used": None,
    "rate_limit": {"requests": 600, "seconds": 60},
    "follows": None,
}
_SHOWN = _EXAMPLE | {"key": "rtsm_3f9c0a71be44_kept-by-you-and-shown-once"}
_MEANINGS = {
    404: "No such key, or outside the caller's units",
    409: "Two keys of this line are alive already",
    410: "The key was revoked",
}
Admin = Annotated[Principal, Depends(require("admin", within_units=True))]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=_PLAIN)]
Days = Annotated[int, Field(ge=1, le=MOST_DAYS, description="days until it expires")]


def _written(value: Any) -> Any:
    """An instant is written out: a number would be taken for seconds of an epoch."""
    if isinstance(value, str):
        return value
    raise PydanticCustomError("not_a_text", "An instant is written as RFC 3339.")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LimitIn(_Strict):
    """How many requests a key may make in a window."""

    requests: Annotated[int, Field(ge=1, le=1_000_000)]
    seconds: Annotated[int, Field(ge=1, le=86_400)] = 60


class KeyIn(_Strict):
    """A key to be made; without `units` it sees everything its maker sees."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "pmc", "scopes": ["visits:write"], "days": 180}}
    )
    name: Name
    scopes: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": list(SCOPES)})]],
        Field(min_length=1, max_length=50),
    ]
    source: Name | None = None
    units: Annotated[list[Name], Field(min_length=1, max_length=1_000)] | None = None
    days: Days | None = None
    rate_limit: LimitIn | None = None


class RotateIn(_Strict):
    """How a key is taken over: how long the old one lives on, and how long the new one."""

    overlap_hours: Annotated[int, Field(ge=0, le=24 * 90)] = OVERLAP_HOURS
    days: Days | None = None


class ExpireIn(_Strict):
    """When a key ends; null: when it is revoked."""

    at: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written)] | None


def router(access: Access, clock: Clock) -> APIRouter:
    """The routes of keys."""
    routes = APIRouter(route_class=StrictRoute, tags=["keys"])
    _made(routes, access)
    _read(routes, access)
    _ended(routes, access, clock)
    return routes


def _within(caller: Principal, units: frozenset[str] | None) -> bool:
    """Whether somebody of the caller's units may touch a key of these units."""
    return caller.units is None or (units is not None and units <= caller.units)


async def _known(access: Access, caller: Principal, key_id: str) -> Key:
    key = await access.keys.one(key_id)
    if key is None or not _within(caller, key.units):
        raise not_found("key")
    return key


def _answers(status: int, example: dict[str, Any], *problems: int) -> dict[int | str, Any]:
    content = {"application/json": {"example": example}}
    answers: dict[int | str, Any] = {status: {"description": "The key", "content": content}}
    return answers | {problem: {"description": _MEANINGS[problem]} for problem in problems}


def _shown(access: Access, made: Made, response: Response) -> dict[str, Any]:
    """A new key with its words, which are in no later answer."""
    response.headers.update(_NEVER_KEPT)
    return {"key": made.words} | made.key.document(access.keys.now())


def _made(routes: APIRouter, access: Access) -> None:
    @routes.post("/v1/keys", status_code=201, responses=_answers(201, _SHOWN))
    async def create_key(sent: KeyIn, caller: Admin, response: Response) -> dict[str, Any]:
        """Make a key; the answer shows it, this once."""
        faults = [
            FieldError(f"/scopes/{place}", "unknown_scope", f"Scopes are {', '.join(SCOPES)}.")
            for place, scope in enumerate(sent.scopes)
            if scope not in SCOPES
        ]
        units = None if sent.units is None else frozenset(sent.units)
        if not _within(caller, units):
            detail = "This key may only make keys for its own units: name some of them."
            faults.append(FieldError("/units", "wider_than_yours", detail))
        if faults:
            raise Problem(422, faults[0].code, faults[0].detail, errors=faults)
        rate = sent.rate_limit
        made = await access.make_key(
            sent.name,
            sent.scopes,
            source=sent.source,
            units=sent.units,
            days=sent.days,
            limit=None if rate is None else Limit(rate.requests, rate.seconds),
        )
        return _shown(access, made, response)

    @routes.post(
        "/v1/keys/{key_id}/rotate", status_code=201, responses=_answers(201, _SHOWN, 404, 409)
    )
    async def rotate_key(
        key_id: str, sent: RotateIn, caller: Admin, response: Response
    ) -> dict[str, Any]:
        """Make a key that takes over; the old one lives on for the overlap, 24 hours by default."""
        await _known(access, caller, key_id)
        try:
            made = await access.keys.rotate(
                key_id, overlap_hours=sent.overlap_hours, days=sent.days
            )
        except KeyRefused as refused:
            raise Problem(409, "two_keys_alive", str(refused)) from None
        if made is None:
            raise not_found("living key")
        access.forget(key_id)
        return _shown(access, made, response)


def _read(routes: APIRouter, access: Access) -> None:
    @routes.get("/v1/keys", responses=_answers(200, {"keys": [_EXAMPLE]}))
    async def list_keys(
        caller: Admin,
        response: Response,
        after: Annotated[str | None, Query(max_length=64, description="from a Link header")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 500,
    ) -> dict[str, Any]:
        """List keys, oldest first, without their secrets; of people's sessions the living ones."""
        keys = [key for key in await access.keys.listed() if _within(caller, key.units)]
        if after is not None:
            last = await access.keys.one(after)
            if last is None or not _within(caller, last.units):
                raise Problem(422, "invalid_cursor", "`after` is taken from a Link header.")
            keys = [key for key in keys if key.place > last.place]
        page, now = keys[:limit], access.keys.now()
        if len(keys) > limit:
            onward = f"/v1/keys?limit={limit}&after={page[-1].key_id}"
            response.headers["Link"] = f'<{onward}>; rel="next"'
        return {"keys": [key.document(now) for key in page]}

    @routes.get("/v1/keys/{key_id}", responses=_answers(200, _EXAMPLE, 404, 410))
    async def read_key(key_id: str, caller: Admin) -> dict[str, Any]:
        """Read a key without its secret; one that was revoked is gone, and still in the list."""
        key = await _known(access, caller, key_id)
        if key.revoked is not None:
            raise Problem(410, "revoked", "This key was revoked.")
        return key.document(access.keys.now())


def _ended(routes: APIRouter, access: Access, clock: Clock) -> None:
    @routes.post("/v1/keys/{key_id}/expire", responses=_answers(200, _EXAMPLE, 404))
    async def expire_key(key_id: str, sent: ExpireIn, caller: Admin) -> dict[str, Any]:
        """Set when a key ends, sooner or later than it would have."""
        await _known(access, caller, key_id)
        at = None if sent.at is None else sent.at.astimezone(UTC)
        if at is not None and at > clock.now() + timedelta(days=MOST_DAYS):
            detail = f"A key ends within {MOST_DAYS} days, or when it is revoked."
            raise Problem(
                422, "out_of_range", detail, errors=[FieldError("/at", "out_of_range", detail)]
            )
        key = await access.keys.expire(key_id, at)
        if key is None:
            raise not_found("key that was not revoked")
        access.forget(key_id)
        return key.document(access.keys.now())

    @routes.delete("/v1/keys/{key_id}", responses=_answers(200, _EXAMPLE, 404))
    async def revoke_key(key_id: str, caller: Admin) -> dict[str, Any]:
        """Revoke a key: it dies here at once, and within five seconds everywhere."""
        await _known(access, caller, key_id)
        await access.revoke_key(key_id)
        return (await _known(access, caller, key_id)).document(access.keys.now())
