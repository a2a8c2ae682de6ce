"""The stream of visits: the same for a seed, in order, full and true to the rules of the form."""

import hashlib
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from demo.settlement import build
from demo.visits import Arrival, History
from demo.visits import history as make_history
from services.ingest.rules import reject
from services.ingest.schemas import CorrectionIn, VisitIn
from tests.demo.form_rules import broken

PINNED = json.loads((Path(__file__).parent / "pinned.json").read_text(encoding="utf-8"))
ZONE = ZoneInfo("Asia/Karachi")
_encode = msgspec.json.Encoder().encode


def digest(history: History) -> str:
    """A fingerprint of everything that is sent."""
    found = hashlib.sha256()
    register = history.register
    for body in (*register.unit_bodies(), *register.school_bodies()):
        found.update(_encode(body))
    for one in history.arrivals():
        found.update(_encode([one.at, one.kind, one.source, one.visit_id, one.revision, one.body]))
    return found.hexdigest()


@pytest.fixture(scope="module")
def sample(history: History) -> list[Arrival]:
    """Every thirteenth arrival."""
    return [history.arrival(index) for index in range(0, len(history), 13)]


def forms(arrivals: list[Arrival]) -> list[tuple[Arrival, dict[str, Any]]]:
    return [(one, one.body) for one in arrivals if one.kind != "school" and one.body is not None]


def test_the_stream_is_the_pinned_one(history: History) -> None:
    assert digest(history) == PINNED["stream"]


def test_another_seed_gives_another_stream(history: History) -> None:
    other = make_history(7)
    assert build(7).school_body(5) == other.register.school_body(5)
    ours = {history.arrival(index).visit_id for index in range(2000)}
    assert not ours & {other.arrival(index).visit_id for index in range(2000)}


def test_any_arrival_can_be_made_alone(history: History) -> None:
    some = list(history.arrivals(30_000, 30_040))
    assert [history.arrival(index) for index in range(30_039, 29_999, -1)] == some[::-1]


def test_uploads_hold_every_arrival_once_and_in_order(history: History) -> None:
    rows = [
        row
        for upload in history.uploads
        for part in (upload.news, upload.visits, upload.amendments)
        for row in part
    ]
    assert rows == list(range(len(history)))
    moments = [upload.at for upload in history.uploads]
    assert moments == sorted(set(moments))
    assert all(moment.isoweekday() == 1 and moment.hour == 7 for moment in moments)
    kinds = {"news": {"school"}, "visits": {"visit"}, "amendments": {"correction", "withdrawal"}}
    for upload in history.uploads[20:26]:
        for part, expected in kinds.items():
            arrivals = [history.arrival(row) for row in getattr(upload, part)]
            assert {one.kind for one in arrivals} <= expected
            assert all(one.at == upload.at for one in arrivals)


def test_forms_obey_the_rules_as_written_down_here(sample: list[Arrival]) -> None:
    for one, form in forms(sample):
        assert broken(form, one.at) == [], form


def test_forms_are_taken_by_the_intake_as_it_is(sample: list[Arrival]) -> None:
    for one, form in forms(sample):
        kind = VisitIn if one.kind == "visit" else CorrectionIn
        visit = msgspec.json.decode(_encode(form), type=kind)
        assert reject(visit, one.at, ZONE) == []


def test_everything_that_happens_in_the_field_happens_here(history: History) -> None:
    seen: Counter[str] = Counter()
    posted: set[str] = set()
    keys: Counter[tuple[Any, ...]] = Counter()
    for one in history.arrivals():
        form = one.body or {}
        if one.kind != "visit":
            seen[one.kind] += 1
            continue
        seen["replay" if one.visit_id in posted else "visit"] += 1
        keys[form["school_code"], form.get("monitor_id"), form["visited_at"][:10]] += 1
        posted.add(one.visit_id)
        seen[form["status"]] += 1
        seen["2012"] += form["visited_at"].startswith("2012")
        seen["unknown"] += int(form["school_code"]) > 90_000
        seen["verification"] += form.get("visit_type") == "verification"
        seen["totals"] += "unspecified" in form.get("students", {})
        seen["short code"] += len(form["school_code"]) < 5
        seen["no monitor"] += "monitor_id" not in form
        seen["late"] += (one.at.date() - _day(form)).days > 40
    assert seen["visit"] == 58_398
    assert sum(count > 1 for count in keys.values()) > 900  # doubles of a day, and replays
    expected = {"replay": 600, "correction": 1000, "withdrawal": 450, "school": 160, "2012": 40}
    expected |= {"unknown": 40, "verification": 300, "totals": 1500, "short code": 2500}
    expected |= {"no monitor": 300, "late": 2000, "closed_temporarily": 2000, "not_found": 50}
    expected |= {"closed_permanently": 80, "refused": 100, "inaccessible": 300, "merged": 3}
    assert {name: count for name, count in expected.items() if seen[name] < count} == {}


def _day(form: dict[str, Any]) -> date:
    return date.fromisoformat(form["visited_at"][:10])


def test_amendments_name_visits_that_were_sent_and_their_revision(history: History) -> None:
    revisions: dict[tuple[str, str], int] = {}
    for upload in history.uploads:
        for row in upload.visits:
            one = history.arrival(row)
            revisions.setdefault((one.source, one.visit_id), 1)
        amended = set()
        for row in upload.amendments:
            one = history.arrival(row)
            key = (one.source, one.visit_id)
            assert revisions[key] == one.revision
            revisions[key] += 1
            # Twice in one upload could not be sent again as a whole.
            assert key not in amended
            amended.add(key)
    assert max(revisions.values()) == 3
