"""What checking a key costs, as a share of a posted visit: `python -m tests.benchmarks.key_check`.

A visit is posted through the whole application to SQLite, many at a time, and its processor time is
taken; then the same checks that such a request goes through (the key looked up, its scope, its
limit, the bounds of the load) are timed alone. Prints both, and the ratio (wanted <= 5 %).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from services.ingest.bodies import admitted, head_of
from services.ingest.load import Load
from shared.access import Access
from shared.limits import Limit
from shared.security import counted
from tests.benchmarks.intake import bodies
from tests.support.intake import House, house

WANTED = 0.05
_AT_ONCE = 64


def scope_of(key: str, size: int) -> dict[str, Any]:
    """The scope of a posted visit, as the server hands it over."""
    headers = {
        "host": "127.0.0.1",
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "content-length": str(size),
    }
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/visits",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def posted(intake: House, key: str, sent: list[bytes]) -> float:
    """Processor seconds for each of the visits, posted many at a time past the framework."""
    application: Any = intake.app

    async def one(raw: bytes) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            assert message.get("status", 202) < 300, message

        await application(scope_of(key, len(raw)), receive, send)

    began = time.process_time()
    for start in range(0, len(sent), _AT_ONCE):
        await asyncio.gather(*(one(raw) for raw in sent[start : start + _AT_ONCE]))
    return (time.process_time() - began) / len(sent)


async def checked(access: Access, key: str, times: int) -> float:
    """Processor seconds of one check, less those of reading the headers, needed anyhow."""
    load, scope = Load(), scope_of(key, 1900)
    head = head_of(scope)
    began = time.process_time()
    for _ in range(times):
        load.refuse_single()
        caller = await admitted(access, head, "visits:write")
        if caller.limit is not None:
            await counted(dict(scope), access, caller)
    return (time.process_time() - began) / times


async def measured(rounds: int, requests: int) -> float:
    """Measure and print; the ratio of the medians for a key without a limit."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        intake = await stack.enter_async_context(house(Path(folder)))
        access = intake.platform.access
        plain = (await access.make_key("plain", ["visits:write"])).words
        limit = Limit(10_000_000, 86_400)
        limited = (await access.make_key("limited", ["visits:write"], limit=limit)).words
        for key in (plain, limited):
            answer = await intake.client.get("/v1/keys", headers={"Authorization": f"Bearer {key}"})
            assert answer.status_code == httpx.codes.FORBIDDEN
        posts, checks, counts = [], [], []
        for _ in range(rounds):
            posts.append(await posted(intake, plain, list(bodies(requests))))
            checks.append(await checked(access, plain, 50_000))
            counts.append(await checked(access, limited, 50_000))
    post, check, count = (statistics.median(times) * 1e6 for times in (posts, checks, counts))
    print(f"a posted visit          {post:8.2f} us of processor")
    print(f"a key check             {check:8.2f} us  {check / post:7.2%}  (wanted <= {WANTED:.0%})")
    print(f"... of a limited key    {count:8.2f} us  {count / post:7.2%}")
    return check / post


def main() -> int:
    """Print, and fail when a check costs more than is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2_000)
    given = parser.parse_args()
    return 0 if asyncio.run(measured(given.rounds, given.requests)) <= WANTED else 1


if __name__ == "__main__":
    raise SystemExit(main())
