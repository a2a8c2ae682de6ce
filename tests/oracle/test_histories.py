"""Generated visits obey the rejecting rules of 02 §2, and the player speaks the interface of 06.

The server here is a few dozen lines that only know identities, revisions and codes.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any

import httpx
import pytest

from tests.histories.generator import TODAY, history_from_seeds, random_history
from tests.histories.order import shuffled
from tests.histories.player import Batch, UnexpectedAnswerError, play
from tests.histories.state import LOCAL
from tests.oracle.compare import VIEWS
from tests.oracle.figures import Oracle
from tests.oracle.register import canonical
from tests.oracle.visits import replay

HISTORY = random_history(11, 400)
REPEATS = ("replay", "conflict", "gone")
UNTOLD = (*REPEATS, "same", "stale", "decided", "gone_review", "withdrawn_again")
FORMS = [operation["form"] for operation in HISTORY if "form" in operation]


def cells(form: dict[str, Any]) -> list[dict[str, Any]]:
    groups = [form.get(name, {}) for name in ("students", "teachers", "non_teaching", "toilets")]
    inside = [cell for group in groups for cell in group.values() if isinstance(cell, dict)]
    grades = form.get("students", {}).get("grades", [])
    inside += [grade[sex] for grade in grades for sex in ("boys", "girls") if sex in grade]
    return [*inside, form.get("rooms", {})]


def test_bodies_obey_the_rules() -> None:
    for form in FORMS:
        assert {"visit_id", "school_code", "visited_at", "status"} <= form.keys()
        moment = datetime.fromisoformat(form["visited_at"])
        assert moment.tzinfo is not None
        assert moment.astimezone(LOCAL) < datetime.combine(TODAY, time(9), LOCAL) + timedelta(1)
        if "ended_at" in form:
            assert datetime.fromisoformat(form["ended_at"]) >= moment
        for cell in cells(form):
            for below, above in (("enrolled", "present"), ("posted", "present")):
                if below in cell and above in cell:
                    assert 0 <= cell[above] <= cell[below]
            if "usable" in cell and "available" in cell:
                assert 0 <= cell["usable"] <= cell["available"]
            if "on_leave" in cell:
                away = cell["on_leave"] + cell["on_duty"] + cell["absent"]
                assert cell["present"] + away == cell["posted"]
        if form["status"] != "open":
            assert "students" not in form
            assert "environment" not in form
            assert all("present" not in cell for cell in form.get("teachers", {}).values())


def test_grades_are_never_more_than_their_total() -> None:
    for form in FORMS:
        for grade in form.get("students", {}).get("grades", []):
            for sex in ("boys", "girls"):
                for half in ("enrolled", "present"):
                    if sex in grade:
                        assert grade[sex][half] <= form["students"][sex][half]


def early(form: dict[str, Any]) -> bool:
    """Whether the visit is dated before the deployment's first day."""
    begins = datetime(2018, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    return datetime.fromisoformat(form["visited_at"]) < begins


class Registry:
    """A server without rules: identities, revisions, known codes, a clock that always moves."""

    def __init__(self) -> None:
        self.visits: dict[tuple[str, str], dict[str, Any]] = {}
        self.codes: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.ticks = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer k"
        path = request.url.path.removeprefix("/v1/")
        self.calls[f"{request.method} {path.split('/')[0]}"] += 1
        content = request.content
        if path == "visits/batch":
            return self.batch(content, request.headers["Content-Type"])
        body = json.loads(content) if content else {}
        if path in ("units", "schools"):
            self.codes |= {canonical(item["school_code"]) for item in body if path == "schools"}
            return httpx.Response(200, json={})
        if path == "visits":
            return self.post(body)
        key = (request.url.params.get("source", "own"), path.split("/")[1])
        return self.revise(request, self.visits[key], body)

    def revise(
        self, request: httpx.Request, visit: dict[str, Any], body: dict[str, Any]
    ) -> httpx.Response:
        before = {**visit}
        if request.method == "PUT":
            visit.update(now=body, gone=False)
            if visit != before and request.headers["If-Match"] != f'"{visit["revision"]}"':
                visit.update(before)
                return httpx.Response(412, json={})
            visit["released"] &= early(before["now"]) == early(body)
        elif request.method == "DELETE":
            assert request.url.params["reason"]
            visit["gone"] = True
        elif visit["gone"]:
            return httpx.Response(410, json={})
        elif body["decision"] != "release":
            visit["excluded"] = body["decision"] == "exclude"
        elif early(visit["now"]):
            visit["released"] = True
        elif canonical(visit["now"]["school_code"]) not in self.codes:
            return httpx.Response(409, json={})
        visit["revision"] += visit != before
        return httpx.Response(200, json={"revision": visit["revision"]})

    def post(self, form: dict[str, Any]) -> httpx.Response:
        key = (form.get("source", "own"), form["visit_id"])
        if key in self.visits:
            known = self.visits[key]
            same = known["form"] == form
            code = 410 if known["gone"] else 200 if same else 409
            return httpx.Response(code, json=known["receipt"])
        still = dict.fromkeys(("gone", "excluded", "released"), False)
        self.visits[key] = {"form": form, "now": form, "revision": 1, **still}
        unknown = canonical(form["school_code"]) not in self.codes
        self.ticks += 1
        receipt = {
            "visit_id": form["visit_id"],
            "revision": 1,
            "status": "quarantined" if unknown or early(form) else "accepted",
            "received_at": f"2019-06-03T04:00:00.{self.ticks:06d}Z",
        }
        self.visits[key]["receipt"] = receipt
        return httpx.Response(202 if unknown else 201, json=receipt)

    def batch(self, content: bytes, kind: str) -> httpx.Response:
        if kind == "application/json":
            forms = json.loads(content)
        else:
            forms = [json.loads(line) for line in content.decode().splitlines()]
        receipts = [self.post(form).json() for form in forms]
        results = [
            {"index": place, "visit_id": receipt["visit_id"], "status": receipt["status"]}
            for place, receipt in enumerate(receipts)
        ]
        return httpx.Response(200, json={"accepted": len(results), "results": results})


async def played(
    history: list[dict[str, Any]], batch: Batch = None
) -> tuple[list[dict[str, Any]], Counter[str]]:
    registry = Registry()
    transport = httpx.MockTransport(registry)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        log = await play(client, history, TODAY, key="k", batch=batch, batch_size=7)
    return log, registry.calls


def march(history: list[dict[str, Any]], view: str) -> list[str]:
    """March 2018 of the province, whatever the order in which open splits first occur."""
    window = (date(2018, 3, 1), date(2018, 3, 31))
    answer = Oracle(history).figures("PK-BA", *window, TODAY, view)
    return sorted(map(str, answer["figures"]))


@pytest.mark.parametrize("batch", [None, "json", "ndjson"])
async def test_what_was_played_is_what_was_generated(batch: Batch) -> None:
    log, calls = await played(HISTORY, batch)
    changes = [o for o in HISTORY if o["op"] not in UNTOLD]
    assert [o["op"] for o in log] == [o["op"] for o in changes]
    straight = [{**o, "day": TODAY} if "items" in o else o for o in changes]
    for view in VIEWS:
        assert march(log, view) == march(straight, view)
    if batch is None:
        reviews = sum(o["op"] in ("review", "decided", "gone_review") for o in HISTORY)
        posts = sum(o["op"] in ("visit", *REPEATS) for o in HISTORY)
        assert calls["POST visits"] == posts + reviews


async def test_a_shuffled_history_can_be_played_and_says_the_same() -> None:
    straight, _ = await played(HISTORY)
    for seed in range(3):
        other = shuffled(HISTORY, Random(seed), register_first=seed > 0)
        log, _ = await played(other)
        assert [o["op"] for o in log] != [o["op"] for o in straight]
        for view in VIEWS:
            assert march(log, view) == march(straight, view)


async def test_the_player_refuses_a_wrong_answer() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": "accepted"})

    transport = httpx.MockTransport(serve)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        with pytest.raises(UnexpectedAnswerError, match="expected"):
            await play(client, HISTORY, TODAY)


def test_ids_differ_even_for_equal_seeds() -> None:
    history = history_from_seeds([0] * 30)
    made = [o for o in history if o["op"] == "visit"]
    assert len({(o["source"], o["visit_id"]) for o in made}) == len(made)
    assert len(replay(history).visits) == len(made)
