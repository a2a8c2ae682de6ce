"""Monitors who send visits without pause while processes die, and keep what was acknowledged.

Owns the client's side alone: bodies, retries of what got no answer (with the same body, at another
address), and the log of what was acknowledged. Killing is `nemesis`, judging is `verdict`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx

from tests.support.waiting import eventually

SOURCE = "own"
UNITS = {"PK-BA": None, "QTA": "PK-BA", "CL-01": "QTA", "CL-02": "QTA"}
LEVELS = {"PK-BA": "province", "QTA": "district", "CL-01": "cluster", "CL-02": "cluster"}
SCHOOLS = {str(1001 + n): ("CL-01", "CL-02")[n % 2] for n in range(10)}
BEGIN, DAYS = date(2018, 3, 1), 92
PAUSE_SECONDS = 0.03
Operation = dict[str, Any]


def register() -> list[Operation]:
    """The two calls that found the register."""
    units = [
        {"unit_id": unit, "name": unit, "level": LEVELS[unit], "parent_id": parent}
        for unit, parent in UNITS.items()
    ]
    schools = [
        {
            "school_code": code,
            "name": f"School {code}",
            "unit_id": cluster,
            "level": "primary",
            "gender": "girls",
            "status": "open",
        }
        for code, cluster in SCHOOLS.items()
    ]
    return [{"op": "units", "items": units}, {"op": "schools", "items": schools}]


def form(rng: Random) -> Operation:
    """A plain visit: people, rooms, oversight; sometimes with a monitor who supersedes himself."""
    day = BEGIN + timedelta(days=rng.randrange(DAYS))
    moment = datetime(day.year, day.month, day.day, 4, rng.randrange(60), tzinfo=UTC)
    enrolled, rooms = rng.randint(0, 40), rng.randint(0, 9)
    body: Operation = {
        "visit_id": str(UUID(int=rng.getrandbits(128), version=4)),
        "school_code": rng.choice(list(SCHOOLS)),
        "visited_at": moment.isoformat().replace("+00:00", "Z"),
        "status": "open",
        "students": {"boys": {"enrolled": enrolled, "present": rng.randint(0, enrolled)}},
        "rooms": {"available": rooms, "usable": rng.randint(0, rooms)},
        "oversight": {"official_visit_last_30_days": rng.random() < 0.5},
    }
    if rng.random() < 0.3:
        body["monitor_id"] = f"M-{rng.randrange(3)}"
    return body


async def _together(trouble: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in trouble:
            group.create_task(one)


@dataclass
class Fieldwork:
    """Sends until told to stop. `log` is what was acknowledged, as the oracle reads it."""

    client: httpx.AsyncClient
    urls: list[str]
    key: str
    seed: int
    log: list[Operation] = field(default_factory=list)
    forms: dict[str, Operation] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self) -> None:
        """Put the register."""
        for operation in register():
            await self._until_answered(0, "PUT", f"/v1/{operation['op']}", operation["items"])
            self.log.append(operation)

    async def during(self, monitors: int, *trouble: Coroutine[Any, Any, None]) -> None:
        """Put the register, then let this many monitors work until all the trouble is over."""
        await self.begin()
        working = [asyncio.create_task(self._monitor(number)) for number in range(monitors)]
        troubling = asyncio.create_task(_together(trouble))
        try:
            await asyncio.wait([*working, troubling], return_when=asyncio.FIRST_COMPLETED)
            for task in working:
                if task.done():
                    task.result()
            await troubling
        finally:
            troubling.cancel()
            self._stop.set()
            results = await asyncio.gather(*working, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _monitor(self, number: int) -> None:
        rng, own = Random(f"{self.seed} {number}"), list[str]()
        while not self._stop.is_set():
            chance = rng.random()
            if own and chance < 0.15:
                await self._correct(number, rng, rng.choice(own))
            elif own and chance < 0.2:
                await self._withdraw(number, own.pop(rng.randrange(len(own))))
            elif chance < 0.25:
                own += await self._upload(number, rng)
            else:
                own.append(await self._visit(number, rng))
            await self._breath()

    async def _breath(self) -> None:
        """The pause of a person between two visits."""
        try:
            await asyncio.wait_for(self._stop.wait(), PAUSE_SECONDS)
        except TimeoutError:
            return

    async def _visit(self, number: int, rng: Random) -> str:
        body = form(rng)
        receipt = (await self._until_answered(number, "POST", "/v1/visits", body)).json()
        self._accepted(body, receipt["received_at"])
        return str(body["visit_id"])

    async def _upload(self, number: int, rng: Random) -> list[str]:
        """A file of visits; without monitors, for a batch's results tell no time of receipt."""
        bodies = [{k: v for k, v in form(rng).items() if k != "monitor_id"} for _ in range(15)]
        text = "".join(json.dumps(body) + "\n" for body in bodies)
        answer = await self._until_answered(number, "POST", "/v1/visits/batch", text)
        # Stored, and killed before it could say so: what was sent again is replayed.
        told = {result["status"] for result in answer.json()["results"]}
        if len(answer.json()["results"]) != len(bodies) or not told <= {"accepted", "replayed"}:
            self.wrong.append(f"upload: {sorted(told)}: {answer.text[:500]}")
        for body in bodies:
            self._accepted(body, "")
        return [str(body["visit_id"]) for body in bodies]

    def _accepted(self, body: Operation, received: str) -> None:
        name = str(body["visit_id"])
        self.forms[name], self.revisions[name] = body, 1
        self.log.append(
            {"op": "visit", "source": SOURCE, "visit_id": name, "form": body, "received": received}
        )

    async def _correct(self, number: int, rng: Random, name: str) -> None:
        body = form(rng) | {"visit_id": name, "remarks": f"after {self.revisions[name]}"}
        body.pop("monitor_id", None)
        if "monitor_id" in self.forms[name]:
            body["monitor_id"] = self.forms[name]["monitor_id"]
        match = {"If-Match": f'"{self.revisions[name]}"'}
        answer = await self._until_answered(number, "PUT", f"/v1/visits/{name}", body, match)
        self._revised(name, answer)
        self.forms[name] = body
        self.log.append({"op": "correct", "source": SOURCE, "visit_id": name, "form": body})

    async def _withdraw(self, number: int, name: str) -> None:
        path = f"/v1/visits/{name}?reason=mistake"
        self._revised(name, await self._until_answered(number, "DELETE", path, None))
        self.withdrawn.add(name)
        self.log.append({"op": "withdraw", "source": SOURCE, "visit_id": name})

    def _revised(self, name: str, answer: httpx.Response) -> None:
        self.revisions[name] += 1
        told = answer.json().get("revision")
        if told != self.revisions[name]:
            self.wrong.append(f"{name}: revision {told}, expected {self.revisions[name]}")

    async def _until_answered(
        self,
        number: int,
        method: str,
        path: str,
        body: Any,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send the same again, here and there, until somebody answers it for good."""
        kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": kind} | (headers or {})
        places = itertools.cycle([*self.urls[number % len(self.urls) :], *self.urls])

        async def attempt() -> httpx.Response | None:
            try:
                answer = await self.client.request(
                    method,
                    next(places) + path,
                    content=None if body is None else content,
                    headers=sent,
                )
            except httpx.TransportError as error:
                self.answers[type(error).__name__] += 1
                return None
            self.answers[str(answer.status_code)] += 1
            if answer.status_code in (429, 503):
                return None
            if answer.status_code >= 400:
                raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
            return answer

        answer = await eventually(attempt, f"an answer to {method} {path}", 120, pause=0.1)
        assert answer is not None
        return answer
