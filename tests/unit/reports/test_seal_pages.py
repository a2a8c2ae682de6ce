"""The page where a printed card is checked: copied, typed by hand, altered, and shown in Urdu."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.reports.seal_pages import read_line
from tests.support.embedded import Embedded
from tests.unit.reports.small_house import a_house, a_visit

PUPILS = {"boys": {"enrolled": 40, "present": 30}}
SEAL = "QK27K-FKYUT-Z5KTS-C4VCW-VMT3D-U3DIR-ZEDLJ-XTSA"
PARTS = ("PK-BA-QTA", "2018-03-01..2018-03-31", "as_was", "2019-06-03T04:00:00.000000Z", SEAL)


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Embedded]:
    async with a_house(tmp_path_factory.mktemp("seals")) as opened:
        await visited(opened, 21, "2019-04-03")
        yield opened


async def visited(home: Embedded, number: int, day: str) -> None:
    visit = a_visit(
        visit_id=str(UUID(int=number)),
        visited_at=f"{day}T09:40:00+05:00",
        ended_at=f"{day}T10:40:00+05:00",
        school_code="01002",
        students=PUPILS,
    )
    answer = await home.client.post("/v1/visits", json=visit)
    assert answer.status_code == 201, answer.text
    await home.drain()


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page)))


async def printed(home: Embedded, lang: str = "en", unit: str = "QTA") -> str:
    """The line at the foot of a card, with the words before it."""
    asked = {"period": "2019-04", "lang": lang}
    page = await home.client.get(f"/units/{unit}", params=asked, headers={"Accept": "text/html"})
    [line] = re.findall(r'<p class="seal">(.*?)</p>', page.text, re.DOTALL)
    return words(line).strip()


async def checked(home: Embedded, line: str, status: int = 200, **more: Any) -> str:
    answer = await home.client.get(
        "/check", params={"line": line, **more}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == status, answer.text
    return words(answer.text)


@pytest.mark.parametrize("lang", ["en", "ur"])
async def test_a_copied_line_is_confirmed_in_both_languages(home: Embedded, lang: str) -> None:
    line = await printed(home, lang)
    shown = await checked(home, line, lang=lang)
    assert {"en": "Genuine. These are the figures", "ur": "اصلی ہے۔ اُس وقت یہی"}[lang] in shown
    assert "75%" in shown
    assert {"en": "30 of 40", "ur": "40 میں سے 30"}[lang] in shown


async def test_a_school_has_a_line_of_its_own(home: Embedded) -> None:
    line = await printed(home, unit="school:01002")
    shown = await checked(home, line)
    assert "Genuine. These are the figures" in shown
    assert "30 of 40" in shown


async def test_a_line_of_an_older_sheet_shows_what_was_known_then(tmp_path: Path) -> None:
    async with a_house(tmp_path) as home:
        await visited(home, 21, "2019-04-03")
        line = await printed(home)
        home.clock.at += timedelta(hours=1)
        await visited(home, 22, "2019-04-04")
        shown = await checked(home, line)
        assert "Genuine. These are the figures" in shown
        assert "30 of 40" in shown
        assert "60 of 80" in await checked(home, await printed(home))


async def test_another_unit_time_or_letter_is_not_genuine(home: Embedded) -> None:
    line = await printed(home)
    other = "A" if line[-6] == "B" else "B"
    for wrong in (
        line[:-6] + other + line[-5:],
        line.replace("QTA", "PSN"),
        line.replace("2019-04-30", "2019-04-29"),
        line.replace("as_was", "restated"),
    ):
        shown = await checked(home, wrong)
        assert "Not genuine, or mistyped." in shown
        assert "30 of 40" not in shown, "no figures beside a line that is not ours"


async def test_what_is_no_line_is_said_to_be_none(home: Embedded) -> None:
    for nonsense in ("71 %", "<script>alert(1)</script>", "PK-BA-QTA · 2019-04 · as_was", "· · ·"):
        assert "This is not such a line" in await checked(home, nonsense)
    raw = await home.client.get("/check", params={"line": "<script>alert(1)</script>"})
    assert "<script>" not in raw.text
    empty = await home.client.get("/check")
    assert empty.status_code == 200
    assert "not such a line" not in empty.text
    await checked(home, "x" * 601, 422)


async def test_units_of_others_are_absent(home: Embedded) -> None:
    line = await printed(home)
    key, _, _ = await home.platform.access.create_key("deo", ["cards:read"], units=["PSN"])
    headers = {"Accept": "text/html", "Authorization": f"Bearer {key}"}
    answer = await home.client.get("/check", params={"line": line}, headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "To check these figures: " + " · ".join(PARTS),
        " ".join(PARTS),
        " | ".join(PARTS),
        "PK-BA-QTA, 2018-03-01 .. 2018-03-31, AS_WAS, 2019-06-03t04:00:00.000000z, "
        + SEAL.lower().replace("-", " "),
        "\u2066" + "\u2069 · \u2066".join(PARTS) + "\u2069",
        "PK-BA-QTA  2018-03-01..2018-03-31\n2019-06-03T04:00:00.000000Z\n" + SEAL,
    ],
)
def test_a_line_is_read_however_it_was_typed(text: str) -> None:
    line = read_line(text)
    assert line is not None
    assert (line.unit_id, line.days, line.view, line.known_at) == PARTS[:4]
    assert re.sub(r"[\s-]", "", line.seal.upper()) == SEAL.replace("-", "")
