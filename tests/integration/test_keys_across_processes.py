"""Keys by the command line beside running servers: made, rotated, ended and revoked in seconds."""

from __future__ import annotations

import json
import time

import httpx

from shared.access import TABLES, Access
from shared.clock import SystemClock
from shared.db.postgres import PostgresDatabase
from shared.limits import Limit
from tests.support.intake import visit
from tests.support.processes import Processes, Served
from tests.support.waiting import until

SECONDS = 5.0


def status(served: Served, key: str, path: str = "/v1/visits") -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(served.url + path, json=visit(), headers=headers, trust_env=False).status_code


def dies(servers: list[Served], key: str) -> None:
    began = time.monotonic()
    for served in servers:
        until(lambda at=served: status(at, key) == 401, "the key is dead", SECONDS + 1, 0.05)  # type: ignore[misc]
    assert time.monotonic() - began < SECONDS + 0.5


def test_a_whole_life_beside_a_running_process(processes: Processes) -> None:
    deployment = processes.embedded()
    servers, settings = deployment.ingest, deployment.settings

    def rtsm(*words: str) -> str:
        return processes.command("keys", *words, settings=settings).stdout

    made = json.loads(rtsm("create", "--name", "pmc", "--scope", "visits:write", "--json"))
    assert [status(served, made["key"]) for served in servers] == [202] * len(servers)
    taken = json.loads(rtsm("rotate", made["key_id"], "--overlap-hours", "1", "--json"))
    for key in (made["key"], taken["key"]):
        assert {status(served, key) for served in servers} == {202}
    rtsm("expire", made["key_id"])
    dies(servers, made["key"])
    assert {status(served, taken["key"]) for served in servers} == {202}
    rtsm("revoke", taken["key_id"])
    dies(servers, taken["key"])
    listed = {key["key_id"]: key for key in map(json.loads, rtsm("list").splitlines())}
    assert listed[made["key_id"]]["state"] == "expired"
    assert listed[taken["key_id"]]["state"] == "revoked"
    assert listed[taken["key_id"]]["follows"] == made["key_id"]
    assert listed[made["key_id"]]["last_used"] is not None


async def test_across_two_processes_with_one_limit(
    processes: Processes, postgres_url: str, redis_url: str
) -> None:
    settings = {"RTSM_DATABASE_URL": postgres_url, "RTSM_REDIS_URL": redis_url}
    settings |= {"RTSM_SERVICES": "ingest", "RTSM_DATA_DIR": str(processes.directory / "none")}
    servers = [processes.serve(f"ingest-{number}", settings) for number in range(2)]
    database = PostgresDatabase(postgres_url, "access", TABLES)
    access = Access(database, SystemClock())
    await access.open()
    made = await access.make_key("limited", ["visits:write"], limit=Limit(7, 60))
    statuses = [status(served, made.words) for _ in range(6) for served in servers]
    assert statuses == [202] * 7 + [429] * 5
    await access.revoke_key(made.key.key_id)
    await access.close()
    dies(servers, made.words)
