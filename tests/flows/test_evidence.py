"""The evidence behind a figure adds up to it: every visit that counts, no other, each once.

Random histories; flows, stocks and coverage, both views, now and as known at a past instant, read
page by page. Of what is left out every visit has a reason, and the reasons are the oracle's.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx

from tests.flows.test_known_at import instants, played
from tests.histories.generator import random_history
from tests.oracle.compare import Window, month_window
from tests.oracle.evidence import unlike
from tests.oracle.figures import Oracle
from tests.oracle.paging import Row, paged
from tests.oracle.register import canonical
from tests.support.embedded import Embedded, embedded

UNITS = ("PK-BA", "PK-BA-QTA", "school:01001")
CROWDED = month_window("2018-03")
YEAR_LATER = month_window("2019-04")
LINES = (
    ("student_attendance", None),
    ("student_attendance", "girls"),
    ("official_visits", None),
    ("visits_made", None),
    ("visits_made", "visit_type:spot"),
    ("learning_environment", None),
    ("learning_environment", "school_gender:girls"),
    ("usable_rooms", None),
    ("usable_rooms", "school_gender:boys"),
    ("usable_toilets", "girls"),
    ("schools_open", None),
    ("schools_known", None),
    ("coverage", None),
)
NOTHING: Row = {"numerator": 0, "denominator": 0, "visits": 0, "schools": 0}


def of_part_only(rows: list[Row], oracle: Oracle, split: str) -> None:
    """Of a part there are its own visits, left out or not, and none of the others'."""
    kind, _, word = split.partition(":")
    for row in rows:
        if kind == "visit_type":
            assert row["visit_type"] == word, row
        elif row["reason"] is None:
            day = date.fromisoformat(row["day"])
            assert oracle.register.gender(canonical(row["school_code"]), day) == word, row


async def test_evidence_adds_up_to_the_figure(tmp_path: Path) -> None:
    async with embedded(tmp_path) as house:
        log = await played(house, random_history(51, 200, clock=True))
        told: Counter[str | None] = Counter()
        for instant, window in ((None, YEAR_LATER), (instants(log, 51, 1)[0], CROWDED)):
            for unit in UNITS:
                for view in ("as_was", "restated"):
                    told += await compared(house, log, unit, view, window, instant)
        assert told[None] > 100, "nothing counted proves nothing"
        reasons = {"too_old", "superseded", "withdrawn", "answered_again_later", "not_answered"}
        assert reasons <= told.keys()
        assert all(told[split] for _, split in LINES if split is not None and ":" in split)


async def compared(
    house: Embedded,
    log: list[Row],
    unit: str,
    view: str,
    window: Window,
    instant: datetime | None,
) -> Counter[str | None]:
    """Hold the evidence of every line against the oracle's figure; the visits by their reason."""
    today = (instant or house.clock.now()).astimezone(ZoneInfo("Asia/Karachi")).date()
    oracle = Oracle(log, instant)
    figures = oracle.figures(unit, window.first, window.last, today, view)["figures"]
    asked = {"period": window.period, "view": view}
    if instant is not None:
        asked["known_at"] = instant.isoformat()
    told: Counter[str | None] = Counter()

    async def get(path: str, given: dict[str, str]) -> httpx.Response:
        return await house.client.get(path, params=given)

    for indicator, split in LINES:
        path = f"/v1/units/{quote(unit, safe='')}/figures/{indicator}/evidence"
        own = asked | ({"split": split} if split else {})
        rows = (await paged(get, path, own, 7, "evidence"))["evidence"]
        figure = next(
            (f for f in figures if (f["indicator"], f["split"]) == (indicator, split)),
            NOTHING | {"indicator": indicator},
        )
        if split is not None and ":" in split:
            told[split] += len(rows)
            of_part_only(rows, oracle, split)
        assert unlike(rows, figure) == [], (unit, view, instant, indicator, split)
        told += reasons_hold(rows, oracle, window)
    return told


def reasons_hold(rows: list[Row], oracle: Oracle, window: Window) -> Counter[str | None]:
    """Whether a visit counts at all is what the oracle says; how often each reason is given."""
    counted = {(visit.source, visit.visit_id) for visit in oracle.world.counted()}
    for row in rows:
        key = ("" if row["source"] == "own" else row["source"], row["visit_id"])
        visit = oracle.world.visits[key]
        never = {"withdrawn", "excluded", "quarantined", "verification", "superseded"}
        assert (key in counted) is (row["reason"] not in never), row
        assert row["counted"] is (row["reason"] is None), row
        replaced = row["reason"] in {"superseded", "answered_again_later"}
        assert replaced is (row["replaced_by"] is not None), row
        if row["replaced_by"] is not None:
            other = row["replaced_by"]
            winner = ("" if other["source"] == "own" else other["source"], other["visit_id"])
            assert winner in counted
            assert oracle.world.visits[winner].code == visit.code
        if row["reason"] == "too_old":
            assert (window.last - visit.day).days >= 365
        if row["reason"] == "withdrawn":
            assert visit.withdrawn
        if row["reason"] == "excluded":
            assert visit.excluded
        if row["reason"] == "verification":
            assert visit.kind == "verification"
    return Counter(row["reason"] for row in rows)
