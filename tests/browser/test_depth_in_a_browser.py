"""The pages of figures in depth in a real browser.

The sheet with everything on it, the line to check it by, an indicator and a list of schools on a
phone, names that are cut off where they end.

A small deployment answers, and cards are made from made-up figures; nothing listens.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, Route, async_playwright

from demo.serving import NOTICE, NOTICE_UR
from services.reports.card import Gathered, assemble
from services.reports.figures import FigureSet, Indicator
from services.reports.formats.html import Pages
from tests.browser.test_pages_in_a_browser import many, sheets
from tests.unit.reports import builders as b
from tests.unit.reports.small_house import a_house

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("chromium")]
ORIGIN = "http://localhost"
SEAL = "QK27K-FNPN4-3ANQR-BMNDD-2X6PN-KIV47-KIUUZ-FRQY"
OWN = ("boards", "books")
DEPTH = "/units/QTA/indicators/student_attendance?period=2019-05"
WIDE = """() => [...document.querySelectorAll('main *')].filter(e => {
    const box = e.getBoundingClientRect();
    return !e.closest('svg, .hidden, thead, select') && box.width > 0
        && (box.right > innerWidth + 1 || box.left < -1);
}).map(e => e.outerHTML.slice(0, 80))"""
LISTS = "/lists/BA?list=not_visited&months=1"


def _with_own(figures: FigureSet) -> FigureSet:
    """The figures of a deployment that defined two indicators of its own, with splits."""
    more = {
        (code, split): replace(figures.figures["usable_toilets", split], indicator=code)
        for code in OWN
        for split in (None, "boys", "girls")
    }
    return replace(figures, figures=dict(figures.figures) | more)


def _fullest() -> Gathered:
    """A card with every line that a card can have, known at an instant, on today's map."""
    whole = many(62)
    named = {
        code: Indicator(
            code,
            basis="stock",
            direction="higher",
            labels={"en": "Rooms with a board and chalk", "ur": "تختہ سیاہ اور چاک والے کمرے"},
        )
        for code in OWN
    }
    known = replace(
        _with_own(whole.own), seal=SEAL, known_at="2019-06-03T04:12:33.000000Z", view="restated"
    )
    assert whole.previous is not None
    assert whole.year_ago is not None
    return b.replaced(
        whole,
        own=known,
        catalogue={**whole.catalogue, **named},
        previous=replace(whole.previous, first=date(2016, 8, 1), last=date(2017, 12, 31)),
        year_ago=replace(whole.year_ago, first=date(2017, 1, 1), last=date(2018, 5, 31)),
    )


@pytest.fixture(scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    pages = Pages(ZoneInfo("Asia/Karachi"), {"en": NOTICE, "ur": NOTICE_UR})
    fullest = assemble(_fullest())
    async with a_house(tmp_path_factory.mktemp("house")) as home, async_playwright() as player:
        browser = await player.chromium.launch(
            executable_path=Path("/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
        )
        opened = await browser.new_page()

        async def answer(route: Route) -> None:
            url = urlsplit(route.request.url)
            if url.path == "/made":
                content = pages.card(fullest, parse_qs(url.query)["lang"][0])
                await route.fulfill(body=content, content_type="text/html; charset=utf-8")
                return
            if url.path == "/v1/stream":
                # Nothing moves here; the answer would never end.
                await route.fulfill(body="retry: 9999999\n\n", content_type="text/event-stream")
                return
            got = await home.client.get(route.request.url, headers={"Accept": "text/html"})
            await route.fulfill(status=got.status_code, body=got.content, headers=dict(got.headers))

        await opened.route("**/*", answer)
        yield opened
        await browser.close()


async def show(page: Page, path: str, lang: str, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(f"{ORIGIN}{path}{'&' if '?' in path else '?'}lang={lang}")
    await page.evaluate("document.fonts.ready")


@pytest.mark.parametrize("lang", ["en", "ur"])
async def test_the_fullest_card_prints_on_one_sheet(page: Page, lang: str) -> None:
    await show(page, "/made", lang, 718)
    assert await sheets(page) == [(210, 297)]
    await page.emulate_media(media="print")
    try:
        printed = await page.locator(".units tbody tr:visible").count()
        assert f"{printed}" in await page.locator(".rest").inner_text()
        assert 5 < printed < 20
        title = await page.locator(".who").bounding_box()
        beside = await page.locator(".when").bounding_box()
        assert title is not None
        assert beside is not None
        assert beside["y"] < title["y"] + title["height"], "the days stand beside the name"
        cut = await page.evaluate(
            """() => [...document.querySelectorAll('.units tbody .name a')].filter(e => {
                const first = document.createRange();
                first.setStart(e.firstChild, 0);
                first.setEnd(e.firstChild, 12);
                const box = e.closest('th').getBoundingClientRect();
                const seen = first.getBoundingClientRect();
                return seen.left < box.left - 1 || seen.right > box.right + 1;
            }).map(e => e.textContent)"""
        )
        assert cut == [], "a name that is too long loses its end"
    finally:
        await page.emulate_media(media="null")


@pytest.mark.parametrize("lang", ["en", "ur"])
async def test_the_line_to_check_by_is_whole_and_reads_from_left_to_right(
    page: Page, lang: str
) -> None:
    places = """() => {
        const words = document.querySelector('.seal bdi').firstChild;
        return ['BA-QTA', '2018-01-01', '2019-05-31', 'restated', 'QK27K'].map(part => {
            const run = document.createRange(), from = words.data.indexOf(part);
            run.setStart(words, from);
            run.setEnd(words, from + part.length);
            return run.getBoundingClientRect().left;
        });
    }"""
    await show(page, "/made", lang, 1280)
    lefts = await page.evaluate(places)
    assert lefts == sorted(lefts)
    await show(page, "/made", lang, 360)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    line = await page.locator(".seal bdi").bounding_box()
    assert line is not None
    assert line["x"] >= 0
    assert line["x"] + line["width"] <= 360


@pytest.mark.parametrize("lang", ["en", "ur"])
@pytest.mark.parametrize("path", [DEPTH, LISTS])
async def test_rows_become_labelled_blocks_on_a_phone(page: Page, path: str, lang: str) -> None:
    await show(page, path, lang, 360)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    assert await page.evaluate(WIDE) == []
    trouble = await page.evaluate(
        """() => [...document.querySelectorAll('main tbody tr')].flatMap(row => {
            const seen = [...row.children].filter(e => e.getBoundingClientRect().width > 0);
            const name = seen.find(e => e.tagName === 'TH');
            const top = name.getBoundingClientRect().top;
            return seen.filter(e => e.getBoundingClientRect().top < top - 1
                || e.getBoundingClientRect().width > 340
                    && e !== name && !e.matches('.picture')
                || (e !== name && !e.matches('.picture') && !e.dataset.label))
                .map(e => e.outerHTML.slice(0, 80));
        })"""
    )
    assert trouble == [], "every row begins with its name, and every number says what it is"
    assert await page.locator("main [role=table] [role=row] [role=rowheader]").count() > 0
    tables = await page.locator("main table").count()
    assert await page.locator("main table[role=table]").count() == tables
