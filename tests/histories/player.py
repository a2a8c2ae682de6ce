"""Plays a history against the HTTP API and returns it as the oracle reads it.

Owns the calls, their expected status codes, `If-Match` and batches. The order in which visits are
received is the order in which they are played; it is written into the returned operations.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, Literal
from urllib.parse import quote

import httpx

Operation = dict[str, Any]
Batch = Literal["json", "ndjson"] | None
FIRST_DAY = date(2018, 1, 1)
LOCAL = timezone(timedelta(hours=5))


class UnexpectedAnswerError(AssertionError):
    """The server answered a valid call otherwise than the interface says."""


def _canonical(code: str) -> str:
    text = code.strip()
    return (text.lstrip("0") or "0") if text.isascii() and text.isdigit() else text


def _early(form: Operation) -> bool:
    moment = datetime.fromisoformat(form["visited_at"])
    return moment.astimezone(LOCAL).date() < FIRST_DAY


@dataclass
class Player:
    """One client with one key; `today` is the server's local day while it plays.

    `set_day` sets the servers' clocks, for histories in which days pass. With `now`, the servers'
    clock, the log says of each operation when it was `recorded`.
    """

    client: httpx.AsyncClient
    today: date
    key: str | None = None
    batch: Batch = None
    batch_size: int = 100
    log: list[Operation] = field(default_factory=list)
    revisions: dict[tuple[str | None, str], int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    forms: dict[tuple[str | None, str], Operation] = field(default_factory=dict)
    receipts: dict[tuple[str | None, str], Operation] = field(default_factory=dict)
    latest: datetime | None = None
    set_day: Callable[[date], None] | None = None
    now: Callable[[], datetime] | None = None

    def _note(self, operation: Operation) -> None:
        recorded = {} if self.now is None else {"recorded": self.now().isoformat()}
        self.log.append(operation | recorded)

    async def play(
        self,
        history: list[Operation],
        after: Callable[[Operation], Awaitable[None]] | None = None,
    ) -> list[Operation]:
        """Play all operations in order; `after` is awaited after each call. Returns the log."""
        for run in self._runs(history):
            if len(run) > 1:
                await self._post_batch(run)
            else:
                await self._one(run[0])
            if after is not None:
                await after(run[-1])
        return self.log

    def _runs(self, history: list[Operation]) -> Iterator[list[Operation]]:
        """Single operations, or runs of visits when batches are wanted."""
        run: list[Operation] = []
        for operation in history:
            if operation["op"] == "visit" and self.batch is not None:
                run.append(operation)
                if len(run) == self.batch_size:
                    yield run
                    run = []
                continue
            if run:
                yield run
                run = []
            yield [operation]
        if run:
            yield run

    async def _one(self, operation: Operation) -> None:
        play = {
            "units": self._put_register,
            "schools": self._put_register,
            "visit": self._post,
            "replay": self._repeat,
            "conflict": self._repeat,
            "gone": self._repeat,
            "correct": self._put,
            "restore": self._put,
            "withdraw": self._delete,
            "review": self._review,
            "gone_review": self._in_vain,
            "withdrawn_again": self._in_vain,
            "same": self._in_vain,
            "stale": self._in_vain,
            "decided": self._in_vain,
            "clock": self._clock,
            "calendar": self._calendar,
        }[operation["op"]]
        await play(operation)

    async def _call(
        self, method: str, path: str, expected: tuple[int, ...], **more: Any
    ) -> httpx.Response:
        headers = more.pop("headers", {})
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        answer = await self.client.request(method, path, headers=headers, **more)
        if answer.status_code not in expected:
            asked = json.dumps(more.get("json"), ensure_ascii=False)
            text = f"{method} {path} {asked}: {answer.status_code}, expected {expected}"
            raise UnexpectedAnswerError(f"{text}: {answer.text[:600]}")
        return answer

    async def _put_register(self, operation: Operation) -> None:
        await self._call("PUT", f"/v1/{operation['op']}", (200,), json=operation["items"])
        if operation["op"] == "schools":
            self.known |= {_canonical(record["school_code"]) for record in operation["items"]}
        self._note({**operation, "day": self.today.isoformat()})

    def _status(self, form: Operation) -> tuple[tuple[int, ...], str]:
        """The status codes and the word that a first submission must be answered with."""
        if _canonical(form["school_code"]) not in self.known:
            return (202,), "quarantined"
        return ((201, 202), "quarantined") if _early(form) else ((201,), "accepted")

    def _accepted(self, operation: Operation, receipt: Operation) -> None:
        _, word = self._status(operation["form"])
        if receipt.get("status") != word:
            raise UnexpectedAnswerError(f"{operation['form']}: {receipt}, expected status {word}")
        self.revisions[operation["source"], operation["visit_id"]] = 1
        self.forms[operation["source"], operation["visit_id"]] = operation["form"]
        entry = {**operation, "received": len(self.log)}
        if "received_at" in receipt:
            moment = datetime.fromisoformat(receipt["received_at"])
            if self.latest is not None and moment <= self.latest:
                raise UnexpectedAnswerError(
                    f"received_at does not increase: {self.latest}, then {moment}"
                )
            self.latest = moment
            entry["received_at"] = receipt["received_at"]
        self._note(entry)

    async def _post(self, operation: Operation) -> None:
        codes, _ = self._status(operation["form"])
        answer = await self._call("POST", "/v1/visits", codes, json=operation["form"])
        self._accepted(operation, answer.json())
        self.receipts[operation["source"], operation["visit_id"]] = answer.json()

    async def _post_batch(self, run: list[Operation]) -> None:
        forms = [operation["form"] for operation in run]
        if self.batch == "json":
            answer = await self._call("POST", "/v1/visits/batch", (200,), json=forms)
        else:
            lines = "".join(json.dumps(form, ensure_ascii=False) + "\n" for form in forms)
            kind = {"Content-Type": "application/x-ndjson"}
            content = lines.encode()
            answer = await self._call(
                "POST", "/v1/visits/batch", (200,), content=content, headers=kind
            )
        results = sorted(answer.json()["results"], key=lambda result: result["index"])
        if len(results) != len(run):
            raise UnexpectedAnswerError(f"{len(run)} visits, {len(results)} results")
        first = results[0]["index"]  # 0 for an array; a line's number for NDJSON
        for place, (operation, result) in enumerate(zip(run, results, strict=True)):
            wrong_id = result["visit_id"].lower() != operation["visit_id"]
            if result["index"] != first + place or wrong_id:
                raise UnexpectedAnswerError(f"result {place} is {result}")
            self._accepted(operation, result)

    async def _repeat(self, operation: Operation) -> None:
        code = {"replay": 200, "conflict": 409, "gone": 410}[operation["op"]]
        answer = await self._call("POST", "/v1/visits", (code,), json=operation["form"])
        first = self.receipts.get((operation["source"], operation["visit_id"]), {})
        if code == 200 and first and {**answer.json(), "status": first.get("status")} != first:
            raise UnexpectedAnswerError(f"replayed as {answer.text}, received as {first}")

    def _path(self, operation: Operation, tail: str = "") -> str:
        source = operation["source"]
        asked = f"?source={quote(source)}" if source is not None else ""
        return f"/v1/visits/{operation['visit_id']}{tail}{asked}"

    def _revised(self, operation: Operation, answer: httpx.Response) -> None:
        """The revision that a call made: as answered, which must be the next."""
        key = (operation["source"], operation["visit_id"])
        self.revisions[key] += 1
        body = answer.json() if answer.content else {}
        told = body.get("revision", self.revisions[key])
        if told != self.revisions[key]:
            raise UnexpectedAnswerError(
                f"{operation}: revision {told}, expected {self.revisions[key]}"
            )
        self._note(operation)

    async def _put(self, operation: Operation) -> None:
        revision = self.revisions[operation["source"], operation["visit_id"]]
        headers = {"If-Match": f'"{revision}"'}
        answer = await self._call(
            "PUT", self._path(operation), (200, 202), json=operation["form"], headers=headers
        )
        self.forms[operation["source"], operation["visit_id"]] = operation["form"]
        self._revised(operation, answer)

    async def _delete(self, operation: Operation) -> None:
        path = self._path(operation)
        path += ("&" if "?" in path else "?") + "reason=mistake"
        self._revised(operation, await self._call("DELETE", path, (200,)))

    async def _review(self, operation: Operation) -> None:
        body = {"decision": operation["decision"], "reason": "checked", "note": "by telephone"}
        path = self._path(operation, "/review")
        self._revised(operation, await self._call("POST", path, (200,), json=body))

    async def _in_vain(self, operation: Operation) -> None:
        """A call that must change nothing, whatever it is answered."""
        path, op, form = self._path(operation), operation["op"], operation.get("form")
        revision = self.revisions[operation["source"], operation["visit_id"]]
        match = {"If-Match": f'"{revision + 1}"'}
        if op in ("same", "stale"):
            code = 200 if op == "same" else 412
            answer = await self._call("PUT", path, (code,), json=form, headers=match)
        elif op == "withdrawn_again":
            path += ("&" if "?" in path else "?") + "reason=mistake"
            answer = await self._call("DELETE", path, (200,), headers=match)
        else:
            body = {"decision": operation["decision"], "reason": "checked", "note": "again"}
            code = 410 if op == "gone_review" else 200
            if op == "decided" and operation["decision"] == "release":
                code = self._release_code(operation)
            path = self._path(operation, "/review")
            answer = await self._call("POST", path, (code,), json=body)
        if answer.status_code == httpx.codes.OK and answer.json()["revision"] != revision:
            raise UnexpectedAnswerError(f"{operation}: {answer.text}, expected revision {revision}")

    def _release_code(self, operation: Operation) -> int:
        """A visit that waits for its school is released by nobody."""
        form = self.forms[operation["source"], operation["visit_id"]]
        unknown = _canonical(form["school_code"]) not in self.known
        return 409 if unknown and not _early(form) else 200

    async def _calendar(self, operation: Operation) -> None:
        """Another calendar, which the oracle need not hear of."""
        await self._call("PUT", "/v1/calendar", (200,), json=operation["form"])

    async def _clock(self, operation: Operation) -> None:
        """Some days pass on the servers."""
        if self.set_day is None:
            raise UnexpectedAnswerError("nobody can set these servers' clocks")
        self.today = date.fromisoformat(operation["day"])
        self.set_day(self.today)


async def play(
    client: httpx.AsyncClient,
    history: list[Operation],
    today: date,
    *,
    key: str | None = None,
    batch: Batch = None,
    batch_size: int = 100,
) -> list[Operation]:
    """Play a history against an API and return the accepted operations for the oracle."""
    player = Player(client, today, key, batch, batch_size)
    return await player.play(history)
