"""The pages in a real browser: width, paper, direction, fonts, contrast, policy.

Cards are made from made-up figures, the largest and the smallest there are; everything else comes
from the service over fake neighbours. Nothing listens: the browser's requests are answered here.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright

from demo.serving import NOTICE, NOTICE_UR
from services.reports.card import Gathered, assemble
from services.reports.formats.html import Pages
from services.reports.routes import LISTENING
from tests.unit.reports import builders as b
from tests.unit.reports.app import Site, a_site

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("chromium")]
ORIGIN = "http://localhost"
LONG = "Government Girls Higher Secondary School Killi Haji Muhammad Azam Khan Shabozai No. 12"


def many(children: int, level: str = "district") -> Gathered:
    """A card with as much on it as there can be."""
    if level == "cluster":
        chain = (b.CLUSTER, b.DISTRICT, b.DIVISION, b.PROVINCE)
        return b.gathered(chain, schools=children, children=children, siblings=31)
    whole = b.gathered(children=children)
    named = [
        b.replaced_place(child, name=f"{number} {LONG}", names={})
        for number, child in enumerate(whole.children)
    ]
    return b.replaced(whole, children=tuple(named))


def nothing() -> Gathered:
    """A unit without a single visit."""
    whole = b.gathered(children=3)
    return b.replaced(whole, own=b.without_visits(whole.own), trends={})


CARDS = {
    "/made/district": many(62),
    "/made/cluster": many(20, "cluster"),
    "/made/full-cluster": many(34, "cluster"),
    "/made/province": b.gathered((b.PROVINCE,), schools=14_000, children=6),
    "/made/school": b.gathered((b.a_school(), b.CLUSTER, b.DISTRICT), schools=1, children=0),
    "/made/nothing": nothing(),
}
OTHERS = ("/", "/?q=quetta", "/?level=cluster", "/sign-in", "/problems/not_found", "/units/NOPE")
LANGS = ("en", "ur")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield opened
        await opened.close()


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with a_site(tmp_path_factory.mktemp("site"), demo_notice=NOTICE) as running:
        yield running


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(ZoneInfo("Asia/Karachi"), {"en": NOTICE, "ur": NOTICE_UR})


@pytest.fixture
async def page(browser: Browser, site: Site, pages: Pages) -> AsyncIterator[Page]:
    asked: list[str] = []
    troubles: list[str] = []
    headers = dict((await site.client.get("/sign-in")).headers)
    headers.pop("content-length")

    async def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        asked.append(url.path)
        if url.path == "/v1/stream":
            await route.fulfill(body="retry: 9999999\n\n", content_type="text/event-stream")
            return
        if url.path in CARDS:
            lang = parse_qs(url.query)["lang"][0]
            content = pages.card(assemble(CARDS[url.path]), lang)
            policy = {"content-security-policy": LISTENING}
            await route.fulfill(body=content, headers=headers | policy)
            return
        got = await site.client.get(route.request.url, headers={"Accept": "text/html"})
        await route.fulfill(status=got.status_code, body=got.content, headers=dict(got.headers))

    opened = await browser.new_page()
    opened.asked = asked  # type: ignore[attr-defined]
    opened.troubles = troubles  # type: ignore[attr-defined]
    opened.on("console", lambda message: troubles.append(message.text))
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    await opened.route("**/*", answer)
    yield opened
    await opened.close()


async def show(page: Page, path: str, lang: str, width: int = 1280) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(f"{ORIGIN}{path}{'&' if '?' in path else '?'}lang={lang}")
    await page.evaluate("document.fonts.ready")


async def sheets(page: Page) -> list[tuple[float, float]]:
    """The size of every printed page, in millimetres."""
    paper = await page.pdf(prefer_css_page_size=True)
    found = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", paper)
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", paper))
    assert len(found) == pages
    return [(round(float(w) / 72 * 25.4), round(float(h) / 72 * 25.4)) for w, h in found]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("path", [*CARDS, *OTHERS])
async def test_no_page_scrolls_sideways_at_any_width(page: Page, path: str, lang: str) -> None:
    await show(page, path, lang)
    for width in (360, 600, 820, 821, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, width
        wide = await page.evaluate(
            """() => [...document.querySelectorAll('main *')].filter(e => {
                const box = e.getBoundingClientRect();
                return !e.closest('svg, .hidden, thead, select') && box.width > 0
                    && (box.right > innerWidth + 1 || box.left < -1);
            }).map(e => e.outerHTML.slice(0, 80))"""
        )
        assert wide == [], width


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("path", CARDS)
async def test_a_card_prints_on_exactly_one_a4_page(page: Page, path: str, lang: str) -> None:
    await show(page, path, lang)
    assert await sheets(page) == [(210, 297)]


async def test_what_does_not_fit_the_paper_is_said_on_it(page: Page) -> None:
    await show(page, "/made/district", "en")
    await page.emulate_media(media="print")
    rows = page.locator(".units tbody tr:visible")
    assert await rows.count() == 20
    assert "20 of 62" in await page.locator(".rest").inner_text()
    await show(page, "/made/cluster", "en")
    assert await page.locator(".units tbody tr:visible").count() == 20
    assert await page.locator(".rest").count() == 0


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("path", ["/made/district", "/made/cluster", "/made/province"])
async def test_the_units_below_can_be_read_on_a_phone(page: Page, path: str, lang: str) -> None:
    await show(page, path, lang, 360)
    table = await page.locator(".units").bounding_box()
    assert table is not None
    assert table["width"] > 300
    cramped = await page.evaluate(
        """() => [...document.querySelectorAll('.units tr > *')].filter(e => {
            const words = document.createRange();
            words.selectNodeContents(e);
            const [box, inside] = [e.getBoundingClientRect(), words.getBoundingClientRect()];
            return box.width > 0 && (inside.left < box.left - 1 || inside.right > box.right + 1);
        }).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert cramped == []
    heading = await page.locator(".units thead th.chosen").bounding_box()
    assert heading is not None
    assert heading["height"] < 50


async def test_nastaliq_has_room_in_lists_to_choose_from(page: Page) -> None:
    await show(page, "/made/district", "ur", 360)
    for choice in await page.locator("select").all():
        box = await choice.bounding_box()
        assert box is not None
        assert box["height"] >= 36


async def test_urdu_runs_from_right_to_left_in_its_own_font(page: Page) -> None:
    await show(page, "/made/district", "ur")
    assert await page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    name = await page.locator(".indicators tbody tr:not(.group) th").first.bounding_box()
    value = await page.locator(".indicators td.number").first.bounding_box()
    assert name is not None
    assert value is not None
    assert name["x"] > value["x"]
    bar = await page.locator("svg.bar rect.value").first.bounding_box()
    track = await page.locator("svg.bar rect.track").first.bounding_box()
    assert bar is not None
    assert track is not None
    assert abs((bar["x"] + bar["width"]) - (track["x"] + track["width"])) < 1
    assert await page.evaluate("document.fonts.check('16px \"RTSM Nastaliq\"', 'اردو')")
    assert any("nastaliq" in path for path in page.asked)  # type: ignore[attr-defined]


async def test_english_readers_do_not_pay_for_the_urdu_font(page: Page) -> None:
    await show(page, "/made/district", "en")
    assert not any("nastaliq" in path for path in page.asked)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path", ["/made/district", "/made/nothing", "/", "/sign-in", "/units/NOPE"]
)
async def test_pages_have_no_script_but_a_cards_own_and_break_no_policy(
    page: Page, path: str
) -> None:
    await show(page, path, "ur")
    assert await page.locator("script").count() == path.startswith("/made")
    assert await page.locator("script:not([src^='/static/live.'])").count() == 0
    assert await page.locator("[style], [onclick], [onload]").count() == 0
    assert not [text for text in page.troubles if "404" not in text]  # type: ignore[attr-defined]


async def test_nothing_is_told_by_colour_alone(page: Page) -> None:
    await show(page, "/made/district", "en")
    for status in await page.locator(".status").all():
        assert (await status.inner_text()).strip()
        assert await status.locator("svg.sign").count() == 1
    weak = page.locator(".units td.weak")
    assert await weak.count() > 0
    for cell in await weak.all():
        assert (await cell.inner_text()).strip("▾ \n").startswith("(")


@pytest.mark.parametrize("path", ["/made/district", "/made/school", "/", "/sign-in", "/units/NOPE"])
async def test_words_stand_out_from_their_background(page: Page, path: str) -> None:
    await show(page, path, "en")
    poor = await page.evaluate(
        """() => {
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
            const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const poor = [];
            while (walk.nextNode()) {
                const e = walk.currentNode.parentElement;
                if (!walk.currentNode.data.trim() || e.closest('svg, .skip, .hidden')) continue;
                const a = light(getComputedStyle(e).color), b = light(behind(e));
                const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
                if (ratio < 4.5) poor.push([walk.currentNode.data.trim().slice(0, 30), ratio]);
            }
            return poor;
        }"""
    )
    assert poor == []


async def test_tables_keep_their_meaning_when_they_are_laid_out_as_blocks(page: Page) -> None:
    await show(page, "/made/district", "en", 360)
    row = page.locator(".indicators tbody tr:not(.group)").first
    tree = await row.aria_snapshot()
    assert 'row "Students present' in tree
    assert "rowheader" in tree
    assert "cell" in tree
    headings = page.locator(".units thead th")
    assert await headings.nth(0).get_attribute("aria-sort") == "ascending"
    assert await page.locator("html").get_attribute("lang") == "en"
