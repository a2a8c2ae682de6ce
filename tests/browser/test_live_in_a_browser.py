"""Cards that hear that their figures moved: a real browser, a real server, visits that are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import BrowserContext, Page, Route, async_playwright

from tests.support.embedded import SOURCE, Embedded, embedded
from tests.support.sockets import listening
from tests.support.waiting import eventually
from tests.unit.reports.small_house import SCHOOLS, UNITS, put

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("chromium")]
SOON = 20_000


async def visited(home: Embedded, code: str, day: str) -> None:
    """Send a visit, and return when it is in the figures."""
    visit_id = str(uuid4())
    form = {
        "visit_id": visit_id,
        "school_code": code,
        "visited_at": f"{day}T09:40:00+05:00",
        "status": "open",
    }
    (await home.client.post("/v1/visits", json=form)).raise_for_status()

    async def applied() -> bool:
        asked = {"source": SOURCE, "visit_id": visit_id}
        answer = await home.client.get("/v1/applied", params=asked)
        return bool(answer.json()["applied"])

    await eventually(applied, "the visit is in the figures")


@asynccontextmanager
async def opened(home: Embedded) -> AsyncIterator[tuple[BrowserContext, str, list[str]]]:
    """A browser that is signed in, the address of the pages, and what the browser complains of."""
    async with listening(home.app) as port, async_playwright() as player:
        origin = f"http://127.0.0.1:{port}"
        browser = await player.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        context, troubles = await browser.new_context(), list[str]()
        context.on("console", lambda message: troubles.append(message.text))
        key, _, _ = await home.platform.access.create_key(
            "deo", ["cards:read"], units=["QTA", "PSN"]
        )
        page = await context.new_page()
        await page.goto(f"{origin}/sign-in")
        await page.fill("input[name=key]", key)
        await page.locator("form", has=page.locator("input[name=key]")).locator("button").click()
        await page.close()
        try:
            yield context, origin, troubles
        finally:
            # An open stream would keep the server waiting.
            await browser.close()


async def card(context: BrowserContext, address: str) -> Page:
    page = await context.new_page()
    async with page.expect_request("**/v1/stream?*"):
        await page.goto(address)
    return page


async def test_a_card_says_that_its_figures_moved(tmp_path: Path) -> None:
    async with embedded(tmp_path, background=True) as home:
        await put(home, "/v1/units", UNITS)
        await put(home, "/v1/schools", SCHOOLS)
        await visited(home, "01001", "2019-05-02")
        async with opened(home) as (context, origin, troubles):
            quetta = await card(context, f"{origin}/units/QTA?period=2019-05&lang=en")
            pishin = await card(context, f"{origin}/units/PSN?period=2019-04..2019-05&lang=ur")
            bars = {page: page.locator(".moved p") for page in (quetta, pishin)}
            assert [await bar.is_visible() for bar in bars.values()] == [False, False]
            assert not await quetta.locator(".moved").inner_text()
            await visited(home, "01002", "2019-06-02")  # after the days of the cards
            await visited(home, "01002", "2019-05-03")
            await bars[quetta].wait_for(state="visible", timeout=SOON)
            assert "have moved" in await quetta.get_by_role("status").inner_text()
            assert not await bars[pishin].is_visible()
            await quetta.emulate_media(media="print")
            assert not await bars[quetta].is_visible()
            await quetta.emulate_media(media="screen")
            facts = quetta.locator(".facts b").first
            assert await facts.inner_text() == "1"
            await quetta.get_by_role("link", name="Load it again").click()
            await bars[quetta].wait_for(state="hidden", timeout=SOON)
            assert await facts.inner_text() == "2"
            await visited(home, "01007", "2019-05-04")
            await bars[pishin].wait_for(state="visible", timeout=SOON)
            assert "بدل گئے ہیں" in await pishin.get_by_role("status").inner_text()
            # A browser has six connections to one server, and each of these pages is looked at.
            await quetta.close()
            await pishin.close()
            await a_visit_before_the_page_listens(home, context, origin)
            await lists_and_indicators_say_so_too(home, context, origin)
            assert troubles == []


async def lists_and_indicators_say_so_too(
    home: Embedded, context: BrowserContext, origin: str
) -> None:
    listed = await card(
        context, f"{origin}/lists/QTA?list=not_visited&months=1&period=2019-05&lang=ur"
    )
    deep = await card(context, f"{origin}/units/QTA/indicators/student_attendance?period=2019-05")
    await visited(home, "01004", "2019-05-06")
    for page, words in ((listed, "بدل گئے ہیں"), (deep, "have moved")):
        await page.locator(".moved p").wait_for(state="visible", timeout=SOON)
        assert words in await page.get_by_role("status").inner_text()
    assert "01004" in await listed.locator("#schools").inner_text()
    await listed.locator(".moved a").click()
    await listed.locator(".moved p").wait_for(state="hidden", timeout=SOON)
    assert "01004" not in await listed.locator("#schools").inner_text()


async def a_visit_before_the_page_listens(
    home: Embedded, context: BrowserContext, origin: str
) -> None:
    """What moved between the making of a page and its first words with the stream is not lost."""
    page, asked, go_on = await context.new_page(), asyncio.Event(), asyncio.Event()

    async def held(route: Route) -> None:
        asked.set()
        await go_on.wait()
        await route.continue_()

    await page.route("**/v1/stream?*", held)
    await page.goto(f"{origin}/units/QTA?period=2019-05&lang=en")
    await asyncio.wait_for(asked.wait(), 20)
    await visited(home, "01003", "2019-05-05")
    go_on.set()
    await page.locator(".moved p").wait_for(state="visible", timeout=SOON)
    await page.close()
