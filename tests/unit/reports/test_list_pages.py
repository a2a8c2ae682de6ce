"""The page of the named lists: who is on it, in both languages, without scripts."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.support.embedded import Embedded
from tests.unit.reports.small_house import a_house, a_visit

TEACHERS = {"male": {"posted": 4, "present": 3}}


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Embedded]:
    async with a_house(tmp_path_factory.mktemp("lists")) as opened:
        for number, day in ((8, "2019-04-03"), (9, "2019-05-10")):
            visit = a_visit(
                visit_id=str(UUID(int=number)),
                visited_at=f"{day}T09:40:00+05:00",
                ended_at=f"{day}T10:40:00+05:00",
                school_code="01002",
                teachers=TEACHERS,
            )
            answer = await opened.client.post("/v1/visits", json=visit)
            assert answer.status_code == 201, answer.text
        await opened.drain()
        yield opened


async def page(home: Embedded, path: str) -> str:
    answer = await home.client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_the_page_names_schools_and_leads_to_their_visits(home: Embedded) -> None:
    shown = await page(home, "/lists/QTA?list=teachers_absent")
    assert "1 of 1 schools." in re.sub(r"<[^>]+>", "", shown)
    assert "3 of 4 teachers present" in re.sub(r"<[^>]+>", "", shown)
    assert 'href="/schools/01002?lang=en"' in shown
    assert f"/visits/{UUID(int=8)}?source=own" in shown
    listening = re.findall(r"<script[^>]*>", shown)
    assert len(listening) == 1
    assert 'src="/static/live.' in listening[0]


async def test_every_list_in_both_languages(home: Embedded) -> None:
    for lang, headline in (("en", "Schools not visited"), ("ur", "اسکول جن کا دورہ نہیں ہوا")):
        shown = await page(home, f"/lists/BA?list=not_visited&months=1&lang={lang}")
        assert headline in shown
        assert f'<html lang="{lang}"' in shown
        assert "01003" in shown
        assert "01002" not in re.sub(r"<a [^>]*>|lang=\w+", "", shown).partition("<tbody")[2]
        for name in ("schools_closed", "no_toilet", "no_usable_room"):
            await page(home, f"/lists/BA?list={name}&lang={lang}")


async def test_the_csv_of_the_page_is_the_list_of_the_page(home: Embedded) -> None:
    shown = await page(home, "/lists/QTA?list=not_visited&months=1&period=2019-05")
    [link] = re.findall(r'href="(/v1/units/[^"]+)"', shown)
    answer = await home.client.get(html.unescape(link))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    on_page = re.findall(r'href="/schools/(\d+)', shown)
    assert [row["school_code"] for row in rows] == on_page == ["01003", "01004"]


async def test_what_cannot_be_shown_is_explained(home: Embedded) -> None:
    key, _, _ = await home.platform.access.create_key("deo", ["cards:read"], units=["PSN"])
    headers = {"Accept": "text/html", "Authorization": f"Bearer {key}"}
    for path, status in (
        ("/lists/QTA", 404),
        ("/lists/nowhere", 404),
        ("/lists/PSN?list=no_roof", 422),
        ("/lists/PSN?list=not_visited&months=x", 422),
        ("/lists/PSN", 200),
    ):
        answer = await home.client.get(path, headers=headers)
        assert answer.status_code == status, path
        assert "<main" in answer.text
