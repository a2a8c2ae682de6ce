"""Loads the demonstration through the public API, under a clock that runs through its months.

Owns the order of calls, the clock's moments, and a marker that says how far it got. Every step
can be sent again without harm, because a visit is known by its source and id: an interrupted load
goes on with the step it was in. Serving, keys and the switching off of alerts are left to the
caller, who passes a client that is authorised as administrator.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec

from demo import duties
from demo.register import SEED
from demo.visits import START, ZONE, Arrival, History, history
from shared.clock import SetClock

DEMO_START = datetime(2019, 6, 3, 8, 0, tzinfo=ZONE)
FORMAT = 1  # of the stream: a load that began with another one is not continued

Progress = Callable[[int, int], object]

_AT_ONCE = 2_000  # records in one PUT of units or schools
_UPLOAD_BYTES = 24 * 1024 * 1024  # of one NDJSON body; the API takes 32 MiB
_TOGETHER = 8  # amendments under way at a time
_TRIES = 60  # of a call that the API asks to repeat later


class LoadError(Exception):
    """The API refused something that it should have taken; the text says what."""


@dataclass(slots=True)
class Loaded:
    """How far a load got: `step` counts finished steps, the rest what they did."""

    format: int = FORMAT
    seed: int = SEED
    step: int = 0
    complete: bool = False
    accepted: int = 0
    replayed: int = 0
    quarantined: int = 0
    corrected: int = 0
    withdrawn: int = 0
    passed: int = 0  # calls about visits that were further on already


@dataclass(frozen=True, slots=True)
class _Step:
    """Records sent under one moment of the clock, safe to be sent again as a whole.

    `rows` are schools, or arrivals of the history; of a setting there are none, only `bodies`.
    """

    at: datetime
    what: Literal["setting", "schools", "news", "visits", "amendments"]
    rows: range
    path: str = ""
    bodies: tuple[dict[str, Any], ...] = ()

    @property
    def size(self) -> int:
        """Return how many records the step sends."""
        return len(self.rows) or len(self.bodies)


async def load(
    client: httpx.AsyncClient,
    clock: SetClock,
    progress: Progress,
    state: Path,
    *,
    seed: int = SEED,
) -> Loaded:
    """Send what is not sent yet, then leave the clock at DEMO_START.

    `client` has the API's address and an administrator's key; `clock` is the server's and is set
    to the moment of every step; `progress` is called with (done, total) records; `state` is the
    marker file. Raises LoadError when a call is refused, httpx errors when the API is not there.
    """
    done = _read(state, seed)
    if not done.complete:
        one = await asyncio.to_thread(history, seed)
        steps = list(_steps(one))
        total = sum(step.size for step in steps)
        sent = sum(step.size for step in steps[: done.step])
        sender = _Sender(client, one, done)
        for step in steps[done.step :]:
            progress(sent, total)
            clock.at = step.at
            await sender.send(step)
            sent += step.size
            done.step += 1
            _write(state, done)
        progress(total, total)
        done.complete = True
        _write(state, done)
    clock.at = DEMO_START
    return done


def _read(state: Path, seed: int) -> Loaded:
    """Return what the marker says; a fresh start when there is none or of another stream."""
    try:
        done = Loaded(**json.loads(state.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return Loaded(seed=seed)
    return done if (done.format, done.seed) == (FORMAT, seed) else Loaded(seed=seed)


def _write(state: Path, done: Loaded) -> None:
    """Replace the marker: a reader finds the old or the new one, whole."""
    state.parent.mkdir(parents=True, exist_ok=True)
    draft = state.with_name(state.name + ".new")
    draft.write_text(json.dumps(asdict(done)), encoding="utf-8")
    draft.replace(state)


def _steps(one: History) -> Iterator[_Step]:
    """Yield every step: units, schools, settings, then each week's upload."""
    register = one.register
    none = range(0)
    yield _Step(START, "setting", none, "/v1/units", tuple(register.unit_bodies()))
    for first in range(0, len(register), _AT_ONCE):
        yield _Step(START, "schools", range(first, min(first + _AT_ONCE, len(register))))
    yield _Step(START, "setting", none, "/v1/targets", tuple(duties.targets()))
    yield _Step(START, "setting", none, "/v1/officers", tuple(duties.officers(register)))
    yield _Step(START, "setting", none, "/v1/rules", tuple(duties.rules()))
    for upload in one.uploads:
        if upload.news:
            yield _Step(upload.at, "news", upload.news)
        yield _Step(upload.at, "visits", upload.visits)
        if upload.amendments:
            yield _Step(upload.at, "amendments", upload.amendments)


class _Sender:
    """Makes the bodies of a step and sends them."""

    def __init__(self, client: httpx.AsyncClient, one: History, done: Loaded) -> None:
        self._client = client
        self._one = one
        self._done = done
        self._encode = msgspec.json.Encoder().encode

    async def send(self, step: _Step) -> None:
        """Send all records of a step."""
        if step.what == "setting":
            await self._put(step.path, list(step.bodies))
        elif step.what == "schools":
            register = self._one.register
            known = [row for row in step.rows if register.registered_on[row] < 0]
            await self._put("/v1/schools", [register.school_body(row) for row in known])
        elif step.what == "news":
            bodies = [self._one.arrival(row).body for row in step.rows]
            await self._put("/v1/schools", bodies)
        elif step.what == "visits":
            await self._upload(step.rows)
        else:
            for start in range(0, len(step.rows), _TOGETHER):
                await self._amend_together(step.rows[start : start + _TOGETHER])

    async def _put(self, path: str, bodies: list[Any]) -> None:
        """Put an array of records."""
        answer = await self._call("PUT", path, self._encode(bodies), "application/json")
        if answer.status_code not in (200, 201):
            raise LoadError(_said(f"PUT {path}", answer))

    async def _upload(self, rows: range) -> None:
        """Post visits as NDJSON, in one request unless they are too many bytes."""
        lines: list[bytes] = []
        size = 0
        for row in rows:
            line = self._encode(self._one.arrival(row).body)
            if size + len(line) > _UPLOAD_BYTES:
                await self._batch(lines)
                lines, size = [], 0
            lines.append(line)
            size += len(line) + 1
        if lines:
            await self._batch(lines)

    async def _batch(self, lines: list[bytes]) -> None:
        """Post one NDJSON body and look at the answer of every line that was not taken."""
        answer = await self._call(
            "POST", "/v1/visits/batch", b"\n".join(lines), "application/x-ndjson"
        )
        if answer.status_code != 200:
            raise LoadError(_said("POST /v1/visits/batch", answer))
        said = answer.json()
        if said["rejected"]:
            refused = [item for item in said["results"] if item["status"] == "rejected"]
            # A visit that was withdrawn since is gone: this load was under way before.
            wrong = [item for item in refused if item["problem"]["status"] != 410]
            if wrong:
                raise LoadError(f"{len(wrong)} visits were refused, first: {wrong[0]}")
            self._done.passed += len(refused)
        self._done.accepted += said["accepted"]
        self._done.replayed += said["replayed"]
        self._done.quarantined += said["quarantined"]

    async def _amend_together(self, rows: range) -> None:
        """Correct or withdraw several visits, each another one, at the same time."""
        try:
            async with asyncio.TaskGroup() as group:
                for row in rows:
                    group.create_task(self._amend(self._one.arrival(row)))
        except* (LoadError, httpx.HTTPError) as failed:
            raise failed.exceptions[0] from None

    async def _amend(self, arrival: Arrival) -> None:
        """Correct or withdraw one visit; 412 says that it is further on already."""
        path = f"/v1/visits/{arrival.visit_id}"
        query = {"source": arrival.source}
        match = {"If-Match": f'"{arrival.revision}"'}
        if arrival.kind == "correction":
            body = self._encode(arrival.body)
            answer = await self._call("PUT", path, body, "application/json", query, match)
        else:
            query["reason"] = arrival.reason
            answer = await self._call("DELETE", path, b"", "", query, match)
        if answer.status_code == 412:
            self._done.passed += 1
        elif answer.status_code != 200:
            raise LoadError(_said(f"{arrival.kind} of {arrival.visit_id}", answer))
        elif arrival.kind == "correction":
            self._done.corrected += 1
        else:
            self._done.withdrawn += 1

    async def _call(
        self,
        method: str,
        path: str,
        body: bytes,
        kind: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Make one call, and again as long as the API asks to come back later."""
        given = {"Accept": "application/json"} | ({"Content-Type": kind} if kind else {})
        for _ in range(_TRIES):
            answer = await self._client.request(
                method, path, content=body, params=query, headers=given | (headers or {})
            )
            if answer.status_code not in (429, 503):
                return answer
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", "1")), 10.0))
        raise LoadError(_said(f"{method} {path}", answer))


def _said(call: str, answer: httpx.Response) -> str:
    """Return what the API answered, shortened, for a person to read."""
    return f"{call} was answered {answer.status_code}: {answer.text[:500]}"
