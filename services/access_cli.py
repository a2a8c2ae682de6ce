"""`rtsm keys`: the same as `/v1/keys`, on the data folder or database, beside a running server."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from services.console import Data, run, settings_of
from shared.access import TABLES, Access
from shared.access_keys import OVERLAP_HOURS, KeyRefused, Made
from shared.clock import SystemClock
from shared.db.engine import database_for
from shared.limits import Limit

T = TypeVar("T")
keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, rotate, expire, revoke.")
AsJson = Annotated[bool, typer.Option("--json", help="print a JSON object")]
Days = Annotated[int | None, typer.Option(min=1, max=3650, help="days until it expires")]
KeyId = Annotated[str, typer.Argument(help="the id, as `rtsm keys list` shows it")]


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="whose key it is")],
    scope: Annotated[list[str], typer.Option(help="what it may do; may be repeated")],
    unit: Annotated[list[str] | None, typer.Option(help="where; may be repeated")] = None,
    source: Annotated[
        str | None, typer.Option(help="source of its visits; default the name")
    ] = None,
    days: Days = None,
    rate: Annotated[
        str | None, typer.Option(help="at most so many requests in so many seconds: 600/60")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Make a key and print it, this once."""
    limit = _limit(rate)

    async def made(access: Access) -> Made:
        return await access.make_key(name, scope, source=source, units=unit, days=days, limit=limit)

    try:
        _print(_with_access(data, made), as_json)
    except ValueError as error:
        raise _refused(str(error)) from error


@keys.command("list")
def list_keys(data: Data = None) -> None:
    """List all keys, without their secrets, one JSON object a line."""

    async def listed(access: Access) -> list[dict[str, Any]]:
        now = access.keys.now()
        return [key.document(now) for key in await access.keys.listed()]

    for key in _with_access(data, listed):
        typer.echo(json.dumps(key, ensure_ascii=False))


@keys.command("rotate")
def rotate_key(
    key_id: KeyId,
    overlap_hours: Annotated[
        int, typer.Option(min=0, help="how long the old key lives on")
    ] = OVERLAP_HOURS,
    days: Days = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Make a key that takes over from another and print it, this once; both live for a while."""

    async def rotated(access: Access) -> Made | None:
        return await access.keys.rotate(key_id, overlap_hours=overlap_hours, days=days)

    try:
        made = _with_access(data, rotated)
    except KeyRefused as error:
        raise _refused(str(error)) from error
    if made is None:
        raise _unknown()
    _print(made, as_json)


@keys.command("expire")
def expire_key(
    key_id: KeyId,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"],
            help="when it ends: 2026-07-01T00:00:00+05:00; default now",
        ),
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="it ends when it is revoked")] = False,
    data: Data = None,
) -> None:
    """Set when a key ends."""

    async def expired(access: Access) -> Any:
        ends = None if never else at or SystemClock().now()
        return await access.keys.expire(key_id, ends)

    if _with_access(data, expired) is None:
        raise _unknown()


@keys.command("revoke")
def revoke_key(key_id: KeyId, data: Data = None) -> None:
    """End a key; it dies within five seconds everywhere."""
    if not _with_access(data, lambda access: access.revoke_key(key_id)):
        raise _unknown()


def _limit(rate: str | None) -> Limit | None:
    if rate is None:
        return None
    requests, _, seconds = rate.partition("/")
    if not (requests.isdecimal() and (seconds or "60").isdecimal()):
        raise _refused("A rate is written 600/60: so many requests in so many seconds.")
    limit = Limit(int(requests), int(seconds or "60"))
    if not (limit.requests and limit.seconds):
        raise _refused("A rate is at least one request in one second.")
    return limit


def _print(made: Made, as_json: bool) -> None:
    expires = made.key.document(made.key.created)["expires"]
    document = {"key": made.words, "key_id": made.key.key_id, "expires": expires}
    typer.echo(json.dumps(document) if as_json else made.words)


def _refused(text: str) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(2)


def _unknown() -> typer.Exit:
    typer.echo("There is no living key of this id.", err=True)
    return typer.Exit(1)


def _with_access(data: Path | None, work: Callable[[Access], Awaitable[T]]) -> T:
    settings = settings_of(data_dir=data)

    async def done() -> T:
        access = Access(database_for(settings, "access", TABLES, size=2), SystemClock())
        await access.open()
        try:
            return await work(access)
        finally:
            await access.close()

    result: T = run(done())
    return result
