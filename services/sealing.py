"""`rtsm check`: is a printed card genuine, and are its figures what was known then?

Owns asking (a running server, or the data folder) and what a person reads; the judgement is the
indicators service's.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import typer

from services.folder import Refused
from services.operations import opened
from shared.clients.indicators import refusal
from shared.settings import Settings

_WORDS = {
    "confirmed": "Genuine: these are the figures that were known then.",
    "differs": "Genuine, but what was known then gives other figures now. Run `rtsm verify`.",
    "definitions_changed": "Genuine. The definitions are others by now: compare line by line.",
    "not_ours": "Not genuine: this deployment never gave this line for this question.",
}
_PATIENCE = httpx.Timeout(600.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class Line:
    """The parts of a card's check line."""

    unit_id: str
    period: str
    view: str
    known_at: str
    seal: str


async def checked(settings: Settings, line: Line, url: str | None, key: str | None) -> bool:
    """Print what a check line is worth with the figures of today; whether it is confirmed."""
    if url is not None:
        headers = {"Authorization": f"Bearer {key or ''}"}
        async with httpx.AsyncClient(
            base_url=url, timeout=_PATIENCE, headers=headers, trust_env=False
        ) as client:
            return _told(await _asked(client, line))
    async with opened(settings) as app:
        return _told(await _asked(app.state.platform.client("indicators"), line))


async def _asked(client: httpx.AsyncClient, line: Line) -> dict[str, Any]:
    answer = await client.get(
        f"/v1/units/{quote(line.unit_id, safe='')}/seal",
        params={
            "period": line.period,
            "view": line.view,
            "known_at": line.known_at,
            "seal": line.seal,
        },
        timeout=_PATIENCE,
    )
    if not answer.is_success:
        problem = refusal(answer)
        raise Refused(f"{problem.status}: {problem.detail}")
    found: dict[str, Any] = answer.json()
    return found


def _told(found: dict[str, Any]) -> bool:
    typer.echo(f"{found['name']} ({found['unit']}), {found['first']} to {found['last']}")
    for figure in found["figures"]:
        if figure["split"] is None and figure["visits"]:
            share = "" if figure["value"] is None else f"  {figure['value']:.1%}"
            whole = "" if figure["denominator"] is None else f"/{figure['denominator']}"
            typer.echo(f"  {figure['indicator']}: {figure['numerator']}{whole}{share}")
    typer.echo(_WORDS[found["verdict"]])
    return bool(found["verdict"] == "confirmed")
