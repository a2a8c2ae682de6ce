"""The judgement after the killing: nothing lost, nothing twice, every figure the oracle's.

Owns the comparison of the client's log with the ledger and the figures; asks over HTTP only.
"""

from __future__ import annotations

from collections import Counter

import httpx

from tests.chaos.fieldwork import SCHOOLS, SOURCE, UNITS, Fieldwork
from tests.oracle.compare import check_everything
from tests.oracle.figures import Oracle
from tests.support.settled import until_applied

MONTHS = ("2018-03", "2018-04", "2018-05", "2018-06")


async def judge(work: Fieldwork, client: httpx.AsyncClient, indicators: str) -> None:
    """Raise AssertionError unless ledger and figures are what was acknowledged, exactly."""
    assert work.wrong == []
    assert sum(work.revisions.values()) > 200, "hardly any work was done"
    await _ledger(work, client)
    await until_applied(
        indicators,
        work.key,
        [
            {"source": SOURCE, "visit_id": name, "revision": revision}
            for name, revision in work.revisions.items()
        ],
    )
    units = [*UNITS, *(f"school:{code}" for code in SCHOOLS)]
    found = await check_everything(client, work.log, units, MONTHS, odd=False)
    assert found == []
    assert len(Oracle(work.log).visits) > 100


async def _ledger(work: Fieldwork, client: httpx.AsyncClient) -> None:
    """Hold the feed of all visits against what was acknowledged: ids, revisions, contents."""
    seen: Counter[str] = Counter()
    different = []
    path: str | None = "/v1/visits?limit=500"
    while path is not None:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        for visit in answer.json()["visits"]:
            name = visit["visit_id"]
            seen[name] += 1
            gone = visit["status"] == "withdrawn"
            if visit["revision"] != work.revisions.get(name) or gone != (name in work.withdrawn):
                different.append(f"{name}: {visit['status']} revision {visit['revision']}")
            elif not gone and visit["form"] != work.forms[name]:
                different.append(f"{name}: {visit['form']} instead of {work.forms[name]}")
        following = answer.links.get("next")
        path = following["url"] if following else None
    assert different == []
    lost, extra = work.revisions.keys() - seen.keys(), seen.keys() - work.revisions.keys()
    assert (lost, extra) == (set(), set())
    assert [name for name, times in seen.items() if times > 1] == []
