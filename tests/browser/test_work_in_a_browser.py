"""The pages of people who work with the data, in a real browser: width, contrast, policy, paper.

A small deployment answers; nothing listens: the browser's requests are answered here.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, async_playwright

from tests.support.embedded import Embedded
from tests.unit.reports.small_house import VISIT, a_house

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("chromium")]
ORIGIN = "http://localhost"
PATHS = [
    "/register/BA",
    "/register/CL-1",
    "/register?q=kuch",
    "/schools/01001",
    "/lists/BA?list=not_visited&months=1",
    "/lists/QTA",
    f"/visits/{VISIT}?source=own",
    "/reviews",
    "/imports",
    "/sign-in",
    "/sign-in/link/none",
]
WIDE = """() => [...document.querySelectorAll('main *')].filter(e => {
    const box = e.getBoundingClientRect();
    return !e.closest('svg, .hidden, select, .scroll') && box.width > 0
        && (box.right > innerWidth + 1 || box.left < -1);
}).map(e => e.outerHTML.slice(0, 80))"""
ASIDE = """() => [...document.querySelectorAll('.scroll')]
    .filter(e => e.scrollWidth > e.clientWidth).map(e => e.outerHTML.slice(0, 80))"""
POOR = """() => {
    const parts = c => (c.match(/[\\d.]+/g) || []).map(Number);
    const light = c => parts(c).slice(0, 3).map(v => v / 255)
        .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (parts(c)[3] !== 0) return c;
        }
        return 'rgb(255,255,255)';
    };
    return [...document.querySelectorAll('body *:not(svg *):not(.skip):not(.hidden)')]
        .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
        .map(e => [e.textContent.trim().slice(0, 30), light(getComputedStyle(e).color),
                   light(behind(e))])
        .filter(([, a, b]) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5);
}"""


async def _import(home: Embedded) -> str:
    table = b"school_code,name,unit_id,gender\n1,A,CL-1,males\n2,B,NOWHERE,girls\n"
    sent = await home.client.post(
        "/v1/imports?kind=schools&dry_run=true", content=table, headers={"Content-Type": "text/csv"}
    )
    await home.drain()
    return f"/imports/{sent.json()['import_id']}"


@pytest.fixture(scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    async with a_house(tmp_path_factory.mktemp("house")) as home, async_playwright() as player:
        browser = await player.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        opened = await browser.new_page()

        async def answer(route: Route) -> None:
            if "/v1/stream?" in route.request.url:  # nothing moves here, and it would not end
                await route.fulfill(body=": nothing\n\n", content_type="text/event-stream")
                return
            headers = {"Accept": "text/html"}
            got = await home.client.get(route.request.url, headers=headers, follow_redirects=True)
            await route.fulfill(status=got.status_code, body=got.content, headers=dict(got.headers))

        troubles: list[str] = []
        opened.on("console", lambda message: troubles.append(message.text))
        opened.troubles = troubles  # type: ignore[attr-defined]
        opened.paths = [*PATHS, await _import(home)]  # type: ignore[attr-defined]
        await opened.route("**/*", answer)
        yield opened
        await browser.close()


@pytest.mark.parametrize("lang", ["en", "ur"])
async def test_every_page_fits_every_width_and_stands_out(page: Page, lang: str) -> None:
    page.troubles.clear()  # type: ignore[attr-defined]
    for path in page.paths:  # type: ignore[attr-defined]
        await page.set_viewport_size({"width": 1280, "height": 800})
        await page.goto(f"{ORIGIN}{path}{'&' if '?' in path else '?'}lang={lang}")
        await page.evaluate("document.fonts.ready")
        for width in (360, 820, 821, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width)
            assert await page.evaluate(WIDE) == [], (path, width)
        assert await page.evaluate(POOR) == [], path
        await page.set_viewport_size({"width": 360, "height": 800})
        assert await page.evaluate(ASIDE) == [], path
        assert await page.locator("[style], [onclick]").count() == 0, path
        scripts = await page.locator("script").count()
        assert scripts == await page.locator("script[src^='/static/live.']").count(), path
        assert scripts == path.startswith("/lists/"), path
    assert not [text for text in page.troubles if "410" not in text]  # type: ignore[attr-defined]


async def test_the_map_says_in_words_what_it_draws(page: Page) -> None:
    await page.goto(f"{ORIGIN}/register/QTA?lang=en")
    picture = page.locator(".map > svg")
    assert await picture.get_attribute("role") == "img"
    assert "the table beside it" in (await picture.get_attribute("aria-label") or "")
    spots = await page.locator(".map .hit").count()
    assert spots == 4
    box = await picture.bounding_box()
    assert box is not None
    for number in range(spots):
        spot = await page.locator(".map .hit").nth(number).bounding_box()
        assert spot is not None
        assert box["x"] <= spot["x"] <= box["x"] + box["width"]
        assert box["y"] <= spot["y"] <= box["y"] + box["height"]
    assert await page.locator(".schools tbody tr").count() == 5


async def test_the_map_can_be_read_on_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.goto(f"{ORIGIN}/register/QTA?lang=en")
    picture = await page.locator(".map > svg").bounding_box()
    cross = await page.locator(".map > svg .crosses").bounding_box()
    scale = await page.locator(".map .measure text").bounding_box()
    assert picture is not None
    assert cross is not None
    assert scale is not None
    assert min(cross["width"], cross["height"]) >= 5
    assert scale["y"] >= picture["y"]


async def test_who_is_signed_in_is_not_asked_to_sign_in(page: Page) -> None:
    await page.goto(f"{ORIGIN}/reviews?lang=en")
    assert await page.locator("header.site a[href^='/sign-in']").count() == 0
    assert await page.locator("nav.desk a[href^='/sign-in']").count() == 1


async def test_a_problem_is_told_once_and_in_the_readers_direction(page: Page) -> None:
    await page.goto(f"{ORIGIN}/units/BA?period=xx&lang=ur")
    words = await page.locator("main").inner_text()
    assert words.count("A period is written") == 1
    assert "\u20662018-Q1\u2069" in words
