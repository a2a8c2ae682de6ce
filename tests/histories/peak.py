"""A day of Bangladesh's peak: the calls of that day, played against a server, and their log.

Owns the shape of the day: how many visits come in which ten minutes, what phones send twice, what
comes late, what is corrected and withdrawn, and who moves in the register meanwhile. The visits are
`demo.synthetic`'s, the country is `demo.bangladesh`'s; comparing is the caller's.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from demo import synthetic
from demo.bangladesh import Country
from shared.clock import SetClock
from tests.oracle.visits import Operation

ZONE = ZoneInfo("Asia/Dhaka")
DAY = date(2019, 7, 22)
MONTH = "2019-07"
_OPENS = datetime(2019, 7, 22, 12, tzinfo=ZONE)
"""Phones are back in coverage from noon on: by then the visits they hold have been made."""
_TENTHS = 36  # ten minutes each: six hours
_BUSIEST = 6
SENDERS = 16
AGAIN, AT_ONCE, HOURS_LATER, OTHERWISE = 0.25, 0.15, 0.10, 0.01
"""Shares of visits sent again: after the answer, beside the first, hours later, and with other
content. Retries and duplicates are half of what is sent (09 of the load bar)."""
LATE, LATE_DAYS, UPLOAD = 0.10, 28, 20
"""Visits of the four weeks before that come on top, by so many in an upload, in the busiest ten
minutes: phones that were away for long."""
CORRECTED, WITHDRAWN, RESTORED, SENT_ANEW = 0.03, 0.01, 0.3, 0.02
_AT_ONCE = 2_000
_SOURCE = "synthetic"


def shares() -> list[float]:
    """The part of the day's visits that comes in each ten minutes: half of them in one hour."""
    busy = [0.30, *[0.04] * 5]
    calm = 0.5 / (_TENTHS - len(busy))
    return [calm] * _BUSIEST + busy + [calm] * (_TENTHS - _BUSIEST - len(busy))


@dataclass
class Tenth:
    """Ten minutes of the day as they were played."""

    visits: int
    calls: int
    seconds: float


@dataclass
class Played:
    """What was accepted, in the order of its receipt, and how long the calls took."""

    put: list[Operation] = field(default_factory=list)
    visits: list[tuple[str, Operation]] = field(default_factory=list)
    changes: list[Operation] = field(default_factory=list)
    moved: list[Operation] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    tenths: list[Tenth] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    calls: int = 0

    def log(self) -> list[Operation]:
        """All that was accepted, for the oracle."""
        received = [visit for _, visit in sorted(self.visits, key=lambda pair: pair[0])]
        return [*self.put, *self.moved, *received, *self.changes]


class Peak:
    """Plays the day: register, ten minutes after ten minutes, and everything that goes wrong."""

    BEGINS = _OPENS

    def __init__(
        self,
        client: httpx.AsyncClient,
        clock: SetClock,
        made: Country,
        visits: int,
        seed: int,
        trouble: float = 1.0,
    ) -> None:
        """`trouble`: so many times as many visits are corrected, withdrawn and sent anew."""
        self._seed = seed
        self._trouble = trouble
        self._client = client
        self._clock = clock
        self._made = made
        self._chance = random.Random(seed)
        self._later: list[bytes] = []
        self._gone: set[str] = set()
        self.played = Played()
        today = synthetic.visits(made, visits, seed, DAY, DAY, False)
        first = DAY - timedelta(days=LATE_DAYS)
        count = int(visits * LATE)
        past = synthetic.visits(made, count, seed + 1, first, DAY - timedelta(days=1), True)
        self._today = _local(today)
        self._past = _local(past)
        self._count = visits

    async def register(self) -> None:
        """Put units and schools, the evening before."""
        self._clock.at = _OPENS - timedelta(hours=15)
        for path, items in (
            ("units", self._made.unit_bodies()),
            ("schools", list(self._made.school_bodies())),
        ):
            for first in range(0, len(items), _AT_ONCE):
                await self._put(path, items[first : first + _AT_ONCE], self.played.put)

    async def day(self, after: Callable[[int, Tenth], Awaitable[None]]) -> None:
        """Play all ten minutes of the day; `after` is awaited after each."""
        parts, sent = shares(), 0.0
        for place, share in enumerate(parts):
            self._clock.at = _OPENS + timedelta(minutes=10 * place)
            began, before = time.perf_counter(), self.played.calls
            upto = round(self._count * (sent + share)) - round(self._count * sent)
            sent += share
            await self._tenth(place, list(islice(self._today, upto)))
            took = time.perf_counter() - began
            self.played.tenths.append(Tenth(upto, self.played.calls - before, took))
            await after(place, self.played.tenths[-1])

    async def _tenth(self, place: int, bodies: list[bytes]) -> None:
        rest = iter(bodies)

        async def sender() -> None:
            for body in rest:
                await self._visit(body)

        work = [sender() for _ in range(SENDERS)]
        if place == _BUSIEST:
            work += [self._uploads() for _ in range(2)]
        if place == _BUSIEST + 1:
            work.append(self._reorganise())
        if place == _TENTHS - 1:
            later, self._later = self._later, []
            work += [self._repeat(later[first::4]) for first in range(4)]
        await asyncio.gather(*work)

    async def _visit(self, body: bytes) -> None:
        """One visit with what its phone makes of it."""
        # Of its own, so that a day is the same however its calls interleave.
        draw = random.Random(f"{self._seed}:{json.loads(body)['visit_id']}")
        chance = draw.random()
        if chance < AT_ONCE:
            answers = await asyncio.gather(self._post(body), self._post(body))
            _expect(sorted(a.status_code for a in answers), [200, 201], answers[0])
            answer = next(a for a in answers if a.status_code == httpx.codes.CREATED)
        else:
            answer = await self._post(body)
            _expect(answer.status_code, 201, answer)
        form = self._note(body, answer.json())
        if AT_ONCE <= chance < AT_ONCE + AGAIN:
            again = await self._post(body)
            _expect(again.status_code, 200, again)
        elif chance > 1 - HOURS_LATER:
            self._later.append(body)
        elif chance > 1 - HOURS_LATER - OTHERWISE:
            other = json.dumps(form | {"remarks": "typed anew"}).encode()
            refused = await self._post(other)
            _expect(refused.status_code, 409, refused)
        await self._second_thoughts(form, draw)

    async def _second_thoughts(self, form: Operation, draw: random.Random) -> None:
        chance = draw.random() / self._trouble
        named = {"source": form["source"], "visit_id": form["visit_id"]}
        path = f"/v1/visits/{form['visit_id']}?source={form['source']}"
        if chance < CORRECTED and form["status"] == "open":
            form = form | {"rooms": {"available": 9, "usable": 4}}
            await self._ok("PUT", path, json=form, headers={"If-Match": '"1"'})
            self.played.changes.append({"op": "correct", **named, "form": form})
        elif CORRECTED <= chance < CORRECTED + WITHDRAWN:
            await self._ok("DELETE", f"{path}&reason=mistake")
            self.played.changes.append({"op": "withdraw", **named})
            if draw.random() < RESTORED:
                await self._ok("PUT", path, json=form, headers={"If-Match": '"2"'})
                self.played.changes.append({"op": "restore", **named, "form": form})
            else:
                self._gone.add(form["visit_id"])
        elif chance < CORRECTED + WITHDRAWN + SENT_ANEW:
            # The same school, monitor and day: only the later counts.
            new = form | {"visit_id": str(UUID(int=draw.getrandbits(128), version=4))}
            body = json.dumps(new | {"remarks": "counted again"}).encode()
            answer = await self._post(body)
            _expect(answer.status_code, 201, answer)
            self._note(body, answer.json())

    async def _uploads(self) -> None:
        """Phones that were away for long send all they hold, each in one upload."""
        while lines := list(islice(self._past, UPLOAD)):
            answer = await self._ok(
                "POST",
                "/v1/visits/batch",
                content=b"\n".join(lines),
                headers={"Content-Type": "application/x-ndjson"},
            )
            results = answer.json()["results"]
            _expect([result["status"] for result in results], ["accepted"] * len(lines), answer)
            for line, result in zip(lines, results, strict=True):
                self._note(line, result)

    async def _reorganise(self) -> None:
        """Schools close and move, a cluster goes to another upazila, all from that day on."""
        schools = self._chance.sample(range(len(self._made)), max(4, len(self._made) // 500))
        half = len(schools) // 2
        items = [self._made.school_body(school) | {"status": "closed"} for school in schools[:half]]
        items += [
            self._made.school_body(school) | {"unit_id": self._made.cluster(school - 1)}
            for school in schools[half:]
            if school
        ]
        since = {"valid_from": DAY.isoformat()}
        await self._put("schools", [item | since for item in items], self.played.moved)
        last = self._made.unit_bodies()[-1]
        above = next(unit for unit in self._made.upazilas if unit.unit_id != last["parent_id"])
        moved = last | since | {"parent_id": above.unit_id}
        await self._put("units", [moved], self.played.moved)
        for item in items:
            self.played.touched.add(f"school:{int(item['school_code'])}")

    async def _repeat(self, bodies: list[bytes]) -> None:
        for body in bodies:
            answer = await self._post(body)
            gone = json.loads(body)["visit_id"] in self._gone
            _expect(answer.status_code, 410 if gone else 200, answer)

    async def _put(self, path: str, items: list[Any], kept: list[Operation]) -> None:
        await self._ok("PUT", f"/v1/{path}", json=items)
        kept.append({"op": path, "items": items, "day": DAY.isoformat()})

    def _note(self, body: bytes, receipt: dict[str, Any]) -> Operation:
        """Keep an accepted visit; returns its form."""
        form: Operation = json.loads(body)
        named = {"source": form["source"], "visit_id": form["visit_id"]}
        self.played.visits.append((receipt["received_at"], {"op": "visit", **named, "form": form}))
        return form

    async def _post(self, body: bytes) -> httpx.Response:
        began = time.perf_counter()
        answer = await self._client.post(
            "/v1/visits", content=body, headers={"Content-Type": "application/json"}
        )
        self.played.answered.append(time.perf_counter() - began)
        self.played.calls += 1
        return answer

    async def _ok(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = await self._client.request(method, path, **more)
        self.played.calls += 1
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer


def _expect(given: object, expected: object, answer: httpx.Response) -> None:
    if given != expected:
        raise RuntimeError(f"answered {given}, not {expected}: {answer.text[:300]}")


def _local(made: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
    """The bodies of visits, made at the same hours of Bangladesh's time."""
    return (body.replace(b"+05:00", b"+06:00") for _, body in made)
