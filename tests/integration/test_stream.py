"""`GET /v1/stream` on real servers: any process tells at once, through the gateway, to its end."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.support.available import need
from tests.support.caddy import caddy
from tests.support.processes import Deployment, Processes

UNITS = [("P", "province", None), ("D1", "district", "P"), ("D2", "district", "P")]
CLUSTERS = [("C1", "cluster", "D1"), ("C2", "cluster", "D2")]
SCHOOLS = [("1001", "C1"), ("2001", "C2")]
SOON = 10.0


async def register(client: httpx.AsyncClient) -> None:
    units = [
        {"unit_id": unit, "level": level, "parent_id": above, "name": unit}
        for unit, level, above in [*UNITS, *CLUSTERS]
    ]
    (await client.put("/v1/units", json=units)).raise_for_status()
    schools = [
        {"school_code": code, "unit_id": cluster, "name": code, "status": "open"}
        for code, cluster in SCHOOLS
    ]
    (await client.put("/v1/schools", json=schools)).raise_for_status()
    await visit(client, "1001")
    await visit(client, "2001")


async def visit(client: httpx.AsyncClient, code: str, day: str = "2018-03-05") -> None:
    form = {
        "visit_id": str(uuid4()),
        "school_code": code,
        "visited_at": f"{day}T09:40:00+05:00",
        "status": "open",
    }
    answer = await client.post("/v1/visits", params={"wait": "figures"}, json=form)
    assert answer.status_code == 201, answer.text
    assert answer.json()["figures"] == "applied", answer.text


class Events:
    """The events of one open stream, one after the other."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """The next event: its name, its id and its data; EOFError when the stream has ended."""
        told: dict[str, Any] = {}
        async with asyncio.timeout(SOON):
            async for line in self._lines:
                if not line and "data" in told:
                    return told
                name, _, value = line.partition(": ")
                if name in {"id", "event", "data"}:
                    told[name] = json.loads(value) if name == "data" else value
        raise EOFError


@asynccontextmanager
async def listening(
    url: str, key: str, after: str | None = None, **params: Any
) -> AsyncIterator[Events]:
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "gzip"}
    if after is not None:
        headers["Last-Event-ID"] = after
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client,
        client.stream("GET", "/v1/stream", params=params) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Events(answer)


async def test_a_page_is_told_of_its_units_and_goes_on_where_it_was(processes: Processes) -> None:
    deployment = processes.embedded()
    served = deployment.all[0]
    async with deployment.client() as client:
        await register(client)
        deo = processes.key(
            deployment.settings, "--scope", "cards:read", "--unit", "D1", name="deo"
        )
        async with (
            listening(served.url, deployment.key, unit="D1") as page,
            listening(served.url, deployment.key) as everything,
            listening(served.url, deo) as scoped,
        ):
            first = await page.next()
            assert first["event"] == "now"
            assert first["data"].keys() == {"as_of", "lag_seconds", "version"}
            assert (await everything.next())["event"] == "now"
            assert (await scoped.next())["event"] == "now"
            await visit(client, "2001", "2018-04-01")
            told = await everything.next()
            assert told["data"]["units"] == ["D2"]
            await visit(client, "1001", "2018-05-02")
            for stream in (page, scoped):
                told = await stream.next()
                assert (told["event"], told["data"]["units"]) == ("figures", ["D1"])
                assert (told["data"]["first_day"], told["data"]["last_day"][:7]) == (
                    "2018-05-02",
                    told["data"]["last_day"][:7],
                )
                assert told["data"]["version"] != first["data"]["version"]
            assert int(told["id"]) > int(first["id"])
        await refusals(served.url, deployment.key, deo)
        # Two visits while nobody listened: both are told at once, merged, and then nothing more.
        await visit(client, "1001", "2018-06-01")
        await visit(client, "2001", "2018-07-01")
        asked = {"seconds": 0, "unit": ["D1", "school:2001"]}
        async with listening(served.url, deployment.key, told["id"], **asked) as again:
            assert (await again.next())["event"] == "now"
            missed = await again.next()
            assert missed["data"]["units"] == ["D1", "school:2001"]
            assert missed["data"]["first_day"] == "2018-06-01"
            assert await ended(again)
        async with listening(served.url, deployment.key, missed["id"], **asked) as again:
            assert (await again.next())["event"] == "now"
            assert await ended(again)
        # A page that was made before them is told the same by the version of its answer.
        made = {"since": first["data"]["version"], **asked}
        async with listening(served.url, deployment.key, **made) as page:
            await page.next()
            assert (await page.next())["data"]["units"] == ["D1", "school:2001"]
            assert await ended(page)
        async with listening(served.url, deployment.key, missed["id"], **made) as again:
            await again.next()
            assert await ended(again)
        async with listening(served.url, deployment.key, "999999999", **asked) as lost:
            await lost.next()
            assert (await lost.next())["data"]["units"] is None
        await revoked(processes, deployment)
        async with listening(served.url, deployment.key) as page:
            await page.next()
            stopping = asyncio.create_task(asyncio.to_thread(served.terminate, 8.0))
            assert await ended(page)
            assert await stopping == 0


async def ended(events: Events) -> bool:
    """Whether the stream ends as an answer should, with nothing more said."""
    try:
        await events.next()
    except EOFError:
        return True
    return False


async def refusals(url: str, key: str, deo: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        for who, unit, after, status in (
            (deo, "D2", "", 404),
            (deo, "school:2001", "", 404),
            (key, "nowhere", "", 404),
            (key, "D1", "abc", 422),
            ("", "D1", "", 401),
        ):
            headers = {"Last-Event-ID": after} | ({"Authorization": f"Bearer {who}"} if who else {})
            answer = await client.get("/v1/stream", params={"unit": unit}, headers=headers)
            assert answer.status_code == status, (unit, after)
        asked = {"unit": "D1", "since": "a1-2"}
        answer = await client.get(
            "/v1/stream", params=asked, headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.json()["errors"][0]["pointer"] == "/query/since"


async def revoked(processes: Processes, deployment: Deployment) -> None:
    """A key that is revoked hears no more."""
    made = processes.command(
        *("keys", "create", "--name", "gone", "--scope", "cards:read", "--json"),
        settings=deployment.settings,
    )
    key = json.loads(made.stdout)
    async with listening(deployment.url, key["key"]) as page:
        await page.next()
        async with deployment.client() as client:
            (await client.delete(f"/v1/keys/{key['key_id']}")).raise_for_status()
        assert await ended(page)


async def test_whichever_process_folds_all_of_them_tell_and_the_gateway_keeps_nothing(
    processes: Processes, postgres_url: str, tmp_path: Path
) -> None:
    need("Caddy")
    settings = {"RTSM_DATABASE_URL": postgres_url, "RTSM_DATA_DIR": str(tmp_path)}
    processes.command("migrate", settings=settings)
    both = processes.serve("a", settings | {"RTSM_SERVICES": "ingest,indicators"})
    other = processes.serve("b", settings | {"RTSM_SERVICES": "indicators"})
    key = processes.key(settings)
    deployment = Deployment(settings, key, [both], [other], [both], [both])
    with caddy(deployment, tmp_path) as url:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(
            base_url=both.url, headers=headers, timeout=30, trust_env=False
        ) as client:
            await register(client)
            async with (
                listening(both.url, key, unit="D1") as here,
                listening(url, key, unit="D1") as there,
            ):
                streams = (here, there)
                assert [(await each.next())["event"] for each in streams] == ["now", "now"]
                for month in range(4, 7):
                    await visit(client, "1001", f"2018-{month:02d}-02")
                    for each in streams:
                        told = await each.next()
                        assert told["data"]["units"] == ["D1"]
                        assert re.fullmatch(r"\d+", told["id"])
                other.terminate(8.0)
                assert await ended(there)
