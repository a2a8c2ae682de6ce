"""Every route × role × unit: who lacks the scope is refused, and no foreign word comes out.

The routes are those of the application itself: a new one is asked from the day it is declared.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from services.app import create_app
from shared.access import SCOPES
from shared.clock import SystemClock
from shared.security import needs_of, refuse_undeclared
from shared.settings import Settings
from shared.web import Application
from tests.security.canaries import OWN, OWN_VISIT, VISIT, WORDS, Aviary, aviary, visit

# What stands for a name in a path: what is foreign, and what is the key's own.
FOREIGN = {
    "unit_id": (WORDS["district"], WORDS["cluster"], f"school:{WORDS['school']}", "BA"),
    "visit_id": (VISIT,),
    "officer_id": (WORDS["officer"],),
    "key_id": ("@foreign key",),
    "school_code": (WORDS["school"],),
    "code": (WORDS["school"],),
    "indicator": ("student_attendance",),
}
# What goes on until somebody leaves is asked to end at once.
ENDING = {"/v1/stream": "?seconds=0"}
OURS = {"unit_id": OWN, "visit_id": OWN_VISIT, "indicator": "student_attendance"}
QUESTIONS = (
    "",
    "?q=zq&name=zq&level=district",
    f"?unit={WORDS['district']}&unit_id={WORDS['district']}&monitor_id={WORDS['monitor']}",
    f"?school={WORDS['school']}&source=own&post=DEO&on=2019-05-28",
    "?period=2019&by=month&rank=true&format=csv&limit=200",
)
# Asked only after the others: they end the very keys and sessions that ask.
_LAST = {"DELETE"}


@dataclass(frozen=True)
class Call:
    """A route with the need it declares."""

    method: str
    path: str
    need: str

    @property
    def admits(self) -> tuple[str, ...]:
        """The roles of one district that hold the scope."""
        if self.need == "admin":
            return ("admin",)
        if self.need.startswith("public"):
            return ("everything but admin", "admin")
        return (self.need, "everything but admin", "admin")


def calls_of(app: FastAPI) -> list[Call]:
    """Every (method, path) of an application."""
    found = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        needs = needs_of(route)
        if needs and getattr(route, "methods", None):
            found += [
                Call(method, context.path or route.path, needs[0])
                for method in sorted(route.methods - {"HEAD", "OPTIONS"})
            ]
    return sorted(found, key=lambda call: (call.method in _LAST, call.path, call.method))


def filled(path: str, foreign_key: str, *, ours: bool) -> Iterator[str]:
    """A path with names put in: all that is foreign, or one that is the key's own."""
    names = re.findall(r"\{(\w+)(?::segments?)?\}", path)
    choices = [
        (OURS.get(name, "none"),) if ours else FOREIGN.get(name, (WORDS["school"],))
        for name in names
    ]
    for chosen in itertools.product(*choices):
        words = iter(chosen)
        text = re.sub(r"\{\w+(?::segments?)?\}", lambda _, w=words: next(w), path)
        yield text.replace("@foreign key", foreign_key) + ENDING.get(path, "")


def joined(path: str, question: str) -> str:
    """A path with a question, whether or not it has one already."""
    return path + (question.replace("?", "&", 1) if "?" in path else question)


def told(answer: httpx.Response, asked: str) -> set[str]:
    """The foreign words in an answer, headers and all, that were not in the question."""
    text = answer.text + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return {
        what
        for what, word in WORDS.items()
        if word.lower() in text.lower() and word.lower() not in asked.lower()
    }


@pytest.fixture(scope="module")
async def birds(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aviary]:
    async with aviary(tmp_path_factory.mktemp("aviary")) as opened:
        yield opened


BODIES: dict[str, Any] = {"PUT": [], "POST": {}, "PATCH": {}}


async def test_who_lacks_the_scope_is_refused_on_every_route(birds: Aviary) -> None:
    wrong = []
    for call in calls_of(birds.house.app):
        if call.need.startswith("public"):
            continue
        assert call.need in SCOPES, call
        path = next(filled(call.path, birds.foreign_key, ours=True))
        body = BODIES.get(call.method)
        for role in (None, *SCOPES):
            if role in {call.need, "admin"}:
                continue
            answer = await birds.call(call.method, path, role, body)
            if answer.status_code != (401 if role is None else 403):
                wrong.append((call, role, answer.status_code))
    assert wrong == []


async def test_no_foreign_word_comes_out_of_any_route(birds: Aviary) -> None:
    asked, leaks, open_doors, broken = 0, [], [], []
    for call in calls_of(birds.house.app):
        body = BODIES.get(call.method)
        foreign = list(filled(call.path, birds.foreign_key, ours=False))
        ours = list(filled(call.path, birds.foreign_key, ours=True))
        plain = call.method != "GET" or call.need.startswith("public")
        questions = QUESTIONS[:1] if plain else QUESTIONS
        for path, question in itertools.product(dict.fromkeys([*ours, *foreign]), questions):
            if call.method in _LAST and path in ours:
                continue
            # Every role asks the plain question, the widest of a district all of them.
            for role in call.admits if not question else call.admits[-1:]:
                answer = await birds.call(call.method, joined(path, question), role, body)
                asked += 1
                found = told(answer, joined(path, question))
                if found:
                    leaks.append((call.method, joined(path, question), role, sorted(found)))
                named = "unit_id" in call.path or "visit_id" in call.path or "key_id" in call.path
                if named and path not in ours and answer.status_code < 300:
                    open_doors.append(
                        (call.method, joined(path, question), role, answer.status_code)
                    )
                if answer.status_code >= 500:
                    broken.append((call.method, joined(path, question), role, answer.status_code))
                    assert len(broken) < 4, (broken, leaks, open_doors)
    print(f"{asked} calls")
    assert leaks == []
    assert open_doors == []
    assert broken == []


async def test_the_bait_is_there(birds: Aviary) -> None:
    """A key that may see both districts finds the words: the silence above is no emptiness."""
    found: set[str] = set()
    for call in calls_of(birds.house.app):
        if call.method == "GET":
            for path in filled(call.path, birds.foreign_key, ours=False):
                for question in QUESTIONS[:2]:
                    answer = await birds.call("GET", joined(path, question), "wide")
                    found |= told(answer, "")
    assert found >= set(WORDS) - {"key"}
    keys = await birds.call("GET", "/v1/keys", "test")
    assert WORDS["key"] in keys.text


async def test_nothing_foreign_is_written(birds: Aviary) -> None:
    school = {"school_code": WORDS["school"], "name": "x", "unit_id": WORDS["cluster"]}
    stolen = school | {"unit_id": "CL-01"}
    unit = {"unit_id": WORDS["cluster"], "name": "x", "level": "cluster"}
    officer = {
        "officer_id": "mine",
        "name": "x",
        "post": "DEO",
        "language": "en",
        "email": "x@example.org",
        "channels": ["email"],
        "postings": [{"unit_id": WORDS["district"], "from": "2018-01-01"}],
    }
    target = {"indicator": "student_attendance", "unit_id": WORDS["district"], "target": 0.1}
    form = visit("5a5a0000-0000-4000-8000-000000000002", WORDS["school"])
    moved = visit(OWN_VISIT, WORDS["school"])
    writes: list[tuple[str, str, Any]] = [
        ("POST", "/v1/visits", form),
        ("PUT", f"/v1/visits/{VISIT}", visit(VISIT, "1001")),
        ("PUT", f"/v1/visits/{OWN_VISIT}", moved),
        ("DELETE", f"/v1/visits/{VISIT}", None),
        ("POST", f"/v1/visits/{VISIT}/review", {"decision": "exclude", "reason": "x"}),
        ("PUT", "/v1/schools", [school]),
        ("PUT", "/v1/schools", [stolen]),
        ("PUT", "/v1/units", [unit | {"parent_id": WORDS["district"]}]),
        ("PUT", "/v1/units", [unit | {"parent_id": OWN}]),
        ("PUT", "/v1/units", [{"unit_id": "new", "name": "x", "level": "district"}]),
        ("PUT", "/v1/targets", [target]),
        ("PUT", "/v1/officers", [officer]),
        ("PUT", "/v1/officers", [officer | {"officer_id": WORDS["officer"]}]),
        ("DELETE", f"/v1/keys/{birds.foreign_key}", None),
    ]
    views = (
        f"/v1/visits/{VISIT}/revisions?source=own",
        f"/v1/visits/{OWN_VISIT}/revisions?source=own",
        "/v1/schools",
        "/v1/units",
        "/v1/targets",
        "/v1/officers",
    )
    before = [(await birds.call("GET", view, "test")).json() for view in views]
    open_doors = []
    for role in ("everything but admin", "admin"):
        for method, path, body in writes:
            answer = await birds.call(method, path, role, body, **{"If-Match": '"1"'})
            batch = None
            if path == "/v1/visits":
                batch = await birds.call("POST", "/v1/visits/batch", role, [body])
                assert batch.json()["results"][0]["problem"]["status"] == 404
            if answer.status_code not in {403, 404}:
                open_doors.append((role, method, path, answer.status_code))
    assert open_doors == []
    assert [(await birds.call("GET", view, "test")).json() for view in views] == before


def test_an_application_with_an_undeclared_route_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(data_dir=tmp_path), SystemClock(), background=False)
    assert len(calls_of(app)) >= 50
    refuse_undeclared(app)

    @app.get("/v1/forgotten")
    async def forgotten() -> None:
        return None

    with pytest.raises(RuntimeError, match="/v1/forgotten must declare exactly one need"):
        refuse_undeclared(app)

    def building(**given: Any) -> Application:
        made = Application(**given)
        made.add_api_route("/v1/forgotten", forgotten)
        return made

    monkeypatch.setattr("services.app.Application", building)
    with pytest.raises(RuntimeError, match="/v1/forgotten"):
        create_app(Settings(data_dir=tmp_path), SystemClock())
