"""Schools and units whose codes hold what an address uses itself: found, counted and linked."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.support.embedded import Embedded, embedded
from tests.support.intake import UNITS, school, unit

CODES = ("A/1", "A/1/figures", "/B", "C?x=1", "D#2", "E%2F3", "F&G;h", "H 8", "K+9", "L:M", "ا/٧")
CLUSTER = "CL/09"
PRESENT = {code: place for place, code in enumerate(CODES, 1)}
SINGLE = ("", "/figures?period=2019", "/history", "/children", "/series?period=2019&by=month")
OF_ONE = ("evidence?", "series?by=month&", "change?against=2018&")


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Embedded]:
    """A deployment in which each school was visited once, with boys of its own number."""
    folder: Path = tmp_path_factory.mktemp("codes")
    async with embedded(folder) as opened:
        units = [*UNITS, unit(CLUSTER, "cluster", "QTA")]
        assert (await opened.client.put("/v1/units", json=units)).is_success
        schools = [school(code, CLUSTER) for code in CODES]
        assert (await opened.client.put("/v1/schools", json=schools)).is_success
        for code, present in PRESENT.items():
            form = {
                "visit_id": str(uuid4()),
                "school_code": code,
                "visited_at": "2019-03-05T09:40:00+05:00",
                "status": "open",
                "students": {"boys": {"enrolled": 40, "present": present}},
            }
            assert (await opened.client.post("/v1/visits", json=form)).status_code == 201
        await opened.drain()
        yield opened


@pytest.mark.parametrize("code", CODES)
async def test_a_school_of_any_code_answers_for_itself(house: Embedded, code: str) -> None:
    address = "/v1/units/" + quote(f"school:{code}", safe="")
    for ending in SINGLE:
        answer = await house.client.get(address + ending)
        assert answer.status_code == 200, (ending, answer.text)
        told = answer.json()
        unit_told = told.get("unit_id", told.get("unit"))
        assert (unit_told["unit_id"] if isinstance(unit_told, dict) else unit_told) == (
            f"school:{code}"
        ), ending
    figures = (await house.client.get(f"{address}/figures?period=2019")).json()["figures"]
    assert [
        figure["numerator"]
        for figure in figures
        if (figure["indicator"], figure["split"]) == ("student_attendance", None)
    ] == [PRESENT[code]]
    for ending in OF_ONE:
        answer = await house.client.get(f"{address}/figures/student_attendance/{ending}period=2019")
        assert answer.status_code == 200, (ending, answer.text)
    card = await house.client.get(f"/v1/cards/{quote(f'school:{code}', safe='')}?period=2019")
    assert card.status_code == 200, card.text
    assert card.json()["unit"] == f"school:{code}"


async def test_the_pages_lead_to_every_school(house: Embedded) -> None:
    page = await house.client.get(f"/register/{quote(CLUSTER, safe='')}?lang=en")
    assert page.status_code == 200, page.text
    card = await house.client.get(f"/units/{quote(CLUSTER, safe='')}?lang=en&period=2019")
    assert card.status_code == 200, card.text
    for shown, start in ((page.text, "/schools/"), (card.text, "/units/school")):
        links = {html.unescape(found) for found in re.findall(rf'href="({start}[^"]*)"', shown)}
        seen = []
        for link in links:
            answer = await house.client.get(link)
            assert answer.status_code == 200, link
            seen += [code for code in CODES if heading(answer.text) == f"School {code}"]
        assert sorted(seen) == sorted(CODES), (start, links)


def heading(page: str) -> str:
    """What a page is about, without markup."""
    [found] = re.findall(r"<h1>(.*?)</h1>", page, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "", found)).strip()
