"""A stand-in for the API that remembers what it was sent, for tests of the loader.

Owns the rules of identity the loader leans on: replays, revisions, withdrawals. It can hang up
after a call was applied, as a process that is killed does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec

from shared.clock import SetClock

Form = dict[str, Any]
Key = tuple[str, str]


class Visit(msgspec.Struct):
    """What the stand-in reads of a form; the bytes are kept as they came."""

    source: str
    visit_id: str
    school_code: str
    visited_at: datetime
    visit_type: str = "routine"
    monitor_id: str | None = None


_VISIT = msgspec.json.Decoder(Visit)


@dataclass
class FakeApi:
    """Visits by (source, id): the first form, the present one, the revision, withdrawn or not."""

    clock: SetClock
    first: dict[Key, bytes] = field(default_factory=dict)
    forms: dict[Key, bytes] = field(default_factory=dict)
    revisions: dict[Key, int] = field(default_factory=dict)
    withdrawn: set[Key] = field(default_factory=set)
    records: dict[str, dict[str, Form]] = field(default_factory=dict)
    calls: int = 0
    moments: list[datetime] = field(default_factory=list)
    hang_up_after: set[int] = field(default_factory=set)
    busy_at: set[int] = field(default_factory=set)
    refuse_at: int = -1

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.MockTransport(self._answer), base_url="http://rtsm.internal"
        )

    def world(self) -> Any:
        """What the calls amount to."""
        return self.forms, self.withdrawn, self.records

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        self.moments.append(self.clock.now())
        if self.calls in self.busy_at:
            return httpx.Response(503, headers={"Retry-After": "0"})
        if self.calls == self.refuse_at:
            return httpx.Response(422, json={"detail": "no such unit"})
        answer = self._applied(request)
        if self.calls in self.hang_up_after:
            raise httpx.ReadError("the server is gone")
        return answer

    def _applied(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "POST":
            return self._batch(request.content)
        if not path.startswith("/v1/visits/"):
            store = self.records.setdefault(path, {})
            for record in msgspec.json.decode(request.content):
                store[_record_id(record)] = record
            return httpx.Response(200, json={})
        query = parse_qs(request.url.query.decode())
        key = (query["source"][0], path.rsplit("/", 1)[1])
        return self._amend(key, request.content, request.headers["If-Match"])

    def _batch(self, content: bytes) -> httpx.Response:
        counts = {"accepted": 0, "replayed": 0, "quarantined": 0, "rejected": 0}
        results = []
        for index, line in enumerate(content.split(b"\n")):
            status, problem = self._post(line)
            counts[status] += 1
            result = {"index": index, "status": status}
            results.append(result | ({"problem": {"status": problem}} if problem else {}))
        return httpx.Response(200, json=counts | {"results": results})

    def _post(self, line: bytes) -> tuple[str, int | None]:
        visit = _VISIT.decode(line)
        key = (visit.source, visit.visit_id)
        if key in self.withdrawn:
            return "rejected", 410
        if key in self.first:
            return ("replayed", None) if self.first[key] == line else ("rejected", 409)
        assert visit.visited_at < self.clock.now() + timedelta(days=1)
        self.first[key], self.forms[key], self.revisions[key] = line, line, 1
        known = str(int(visit.school_code)) in self.records["/v1/schools"]
        return ("accepted" if known else "quarantined"), None

    def _amend(self, key: Key, form: bytes, match: str) -> httpx.Response:
        if form:
            unchanged = key not in self.withdrawn and self.forms[key] == form
        else:
            unchanged = key in self.withdrawn
        if not unchanged:
            if match != f'"{self.revisions[key]}"':
                return httpx.Response(412)
            self.revisions[key] += 1
            if form:
                self.withdrawn.discard(key)
                self.forms[key] = form
            else:
                self.withdrawn.add(key)
        return httpx.Response(200, json={"revision": self.revisions[key]})

    def counted(self) -> int:
        """How many visits count, superseded ones left out."""
        days = set()
        alone = 0
        for key, form in self.forms.items():
            visit = _VISIT.decode(form)
            school = str(int(visit.school_code))
            out = key in self.withdrawn or visit.visit_type == "verification"
            if out or visit.visited_at.year < 2018 or school not in self.records["/v1/schools"]:
                continue
            alone += visit.monitor_id is None
            if visit.monitor_id is not None:
                days.add((school, visit.monitor_id, visit.visited_at.date()))
        return len(days) + alone


def _record_id(record: Form) -> str:
    if "school_code" in record:
        return str(int(record["school_code"]))
    if "indicator" in record and "rule_id" not in record:
        return f"{record['unit_id']} {record['indicator']}"
    return next(
        str(record[name]) for name in ("rule_id", "officer_id", "unit_id") if name in record
    )
