"""Cards, indicators in depth and lists as pages: what a link keeps, what is said of nothing.

Through a small deployment; how the pages look is `tests/browser`'s.
"""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from tests.support.embedded import Embedded
from tests.unit.reports.small_house import a_house, a_visit, put

FURTHER = [
    {"school_code": f"02{number:03}", "name": f"GGPS Basti {number}", "unit_id": "CL-2"}
    for number in range(120)
]
THEN = "2019-05-20T10:00:00+05:00"


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Embedded]:
    async with a_house(tmp_path_factory.mktemp("depth")) as opened:
        await put(opened, "/v1/schools", FURTHER)
        await opened.drain()
        yield opened


async def page(home: Embedded, path: str, status: int = 200, **headers: str) -> str:
    answer = await home.client.get(path, headers={"Accept": "text/html"} | headers)
    assert answer.status_code == status, answer.text
    return answer.text


def links(shown: str) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'href="([^"]+)"', shown)]


def words(shown: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", shown))


async def test_another_language_shows_the_very_days_that_were_asked_for(home: Embedded) -> None:
    path = "/units/QTA?period=last-30-days&ending=2019-05-10"
    shown = await page(home, path)
    assert "11 April 2019 to 10 May 2019" in words(shown)
    [urdu] = [each for each in links(shown) if each.startswith("/units/QTA?") and "lang=ur" in each]
    assert "11 اپریل 2019 تا 10 مئی 2019" in words(await page(home, urdu))
    [lists] = [each for each in links(shown) if each.startswith("/lists/")]
    assert "On 10 May 2019" in words(await page(home, lists))
    [pinned] = [each for each in links(shown) if "indicators/usable_rooms" in each]
    assert "State on 10 May 2019" in words(await page(home, pinned))
    running = await page(home, "/units/QTA?period=last-30-days")
    assert "ending=" not in running, "a link of today's card goes on with today"


async def test_lists_and_indicators_know_what_their_card_knew(home: Embedded) -> None:
    before = "2019-06-01T00:00:00Z"  # The deployment recorded everything on 3 June.
    assert 'href="/units/QTA' in await page(home, "/lists/QTA")
    missing = await page(home, f"/lists/QTA?known_at={before}", 404)
    assert "There is nothing of this name" in missing
    now = (await home.client.get("/v1/units/QTA/lists")).json()["as_of"]
    shown = await page(home, f"/lists/QTA?list=not_visited&months=1&known_at={now}")
    assert "As known on 3 June 2019" in words(shown)
    own = [each for each in links(shown) if "/QTA" in each and "/register/" not in each]
    kept = [each for each in own if "known_at=" in each]
    assert [each for each in own if each not in kept] == [
        "/lists/QTA?list=not_visited&months=1&lang=en"
    ], "only the way back to what is known now leaves the instant out"
    depth = await page(home, f"/units/QTA/indicators/usable_rooms?known_at={now}")
    assert "As known on 3 June 2019" in words(depth)
    assert "Includes every visit" not in words(depth)


async def test_an_empty_list_says_whether_that_is_good_news(home: Embedded) -> None:
    assert "0 of 1 schools." in words(await page(home, "/lists/QTA"))
    assert "No school is on this list." in words(await page(home, "/lists/QTA"))
    unknown = words(await page(home, "/lists/QTA?list=no_toilet"))
    assert "Nobody can tell" in unknown
    assert "No school is on this list." not in unknown
    early = words(await page(home, "/lists/QTA?period=2016-01&lang=ur"))
    assert "کچھ معلوم نہیں" in early


async def test_a_list_of_many_is_turned_and_says_how_many_it_shows(home: Embedded) -> None:
    shown = await page(home, "/lists/PSN?list=not_visited&months=1")
    assert "123 of 123 schools." in words(shown)
    assert "with no counted visit for a month." in words(shown)
    assert "100 of them are on this page." in words(shown)
    [further] = re.findall(r'rel="next" href="([^"]+)"', shown)
    assert 'rel="first"' not in shown
    last = await page(home, html.unescape(further))
    assert "23 of them are on this page." in words(last)
    [first] = re.findall(r'rel="first" href="([^"]+)"', last)
    assert words(await page(home, html.unescape(first))) == words(shown)


async def test_who_may_not_read_visits_is_not_led_to_them(home: Embedded) -> None:
    key, _, _ = await home.platform.access.create_key("reader", ["cards:read"])
    path = "/lists/QTA?list=not_visited&months=1"
    assert "/visits/" in await page(home, path)
    shown = await page(home, path, Authorization=f"Bearer {key}")
    assert "/visits/" not in shown
    assert "2019-05-03" in shown


async def test_a_period_to_come_is_called_so(home: Embedded) -> None:
    for path in ("/units/QTA?period=2030-01", "/units/QTA/indicators/usable_rooms?period=2030-01"):
        assert "No day of this period had come by then" in words(await page(home, path))
        assert "اس دن تک یہ مدت شروع نہیں ہوئی تھی" in words(await page(home, f"{path}&lang=ur"))
        now = path.replace("2030-01", "2019-06")
        assert "had come by then" not in words(await page(home, now))


async def test_a_period_with_nothing_before_it_has_a_card(home: Embedded) -> None:
    shown = await page(home, "/units/QTA?period=1900")
    assert listening(shown)["first"] == "1899-01-01"


async def test_one_of_a_kind_is_called_one_and_gets_no_rank(home: Embedded) -> None:
    card = words(await page(home, "/units/QTA?period=2019-05"))
    assert "1 cluster of Quetta" in card
    depth = words(await page(home, "/units/CL-1/indicators/student_attendance?period=2019-05"))
    assert "Rank 1 of 1" not in depth
    above = words(await page(home, "/units/QTA/indicators/student_attendance?period=2019-05"))
    assert "1 cluster, the best first" in above


async def test_what_was_not_measured_stands_in_no_brackets(home: Embedded) -> None:
    assert "(–)" not in words(await page(home, "/units/PSN?period=2019-05"))


@pytest.mark.parametrize(
    ("path", "english", "urdu"),
    [
        ("/lists/QTA?list=no_roof", "There is no such list", "اس نام کی کوئی فہرست نہیں"),
        ("/lists/QTA?cursor=abc", "Begin at the first page", "پہلے صفحے سے شروع کریں"),
        ("/lists/QTA?list=not_visited&months=x", "A whole number is needed", "پورا عدد درکار"),
        ("/units/QTA?known_at=yesterday", "%2B for the plus", "وقت اپنے علاقے کے ساتھ"),
    ],
)
async def test_a_refusal_says_what_to_do_in_both_languages(
    home: Embedded, path: str, english: str, urdu: str
) -> None:
    assert english in words(await page(home, path, 422))
    assert urdu in words(await page(home, f"{path}&lang=ur", 422))


async def test_another_reading_of_an_indicator_has_a_page_with_its_own_sums(home: Embedded) -> None:
    """Of five teachers one is on leave: three of the other four are there, and three of all."""
    staff = {"posted": 5, "present": 3, "on_leave": 1, "on_duty": 0, "absent": 1}
    told = a_visit(
        visit_id=str(uuid4()),
        school_code="01006",
        visited_at="2018-05-02T09:40:00+05:00",
        ended_at="2018-05-02T10:40:00+05:00",
        teachers={"male": staff},
    )
    assert (await home.client.post("/v1/visits", json=told)).status_code == 201
    await home.drain()
    path = "/units/PSN/indicators/teacher_attendance{}?period=2018-05"
    for reading, english, urdu in (
        ("_less_leave", "3 of 4", "4 میں سے 3"),
        ("_with_closed", "3 of 5", "5 میں سے 3"),
        ("", "3 of 5", "5 میں سے 3"),
    ):
        shown = words(await page(home, path.format(reading)))
        assert english in shown
        assert urdu in words(await page(home, path.format(reading) + "&lang=ur"))
    assert "Attendance of teaching staff, leave and duty set aside" in words(
        await page(home, path.format("_less_leave"))
    )
    missing = await page(home, path.format("_less_holidays"), 404)
    assert "There is nothing of this name" in words(missing)


async def test_a_change_that_is_not_in_parts_says_why(
    home: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (6, 7):
        at = f"2018-08-{day:02}T09:40:00+05:00"
        told = a_visit(visit_id=str(uuid4()), school_code="01007", visited_at=at, ended_at=None)
        assert (await home.client.post("/v1/visits", json=told)).status_code == 201
    earlier = a_visit(
        visit_id=str(uuid4()),
        school_code="01007",
        visited_at="2018-07-06T09:40:00+05:00",
        ended_at=None,
    )
    assert (await home.client.post("/v1/visits", json=earlier)).status_code == 201
    await home.drain()
    card, depth = (
        "/units/PSN?period=2018-08",
        "/units/PSN/indicators/student_attendance?period=2018-08",
    )
    for path in (card, depth):
        assert "not split into same" not in words(await page(home, path))
    monkeypatch.setattr("services.reports.gather._MOST_VISITS", 2)
    monkeypatch.setattr("services.reports.comparison._MOST_VISITS", 2)
    for path in (f"{card}&view=restated", depth):
        shown = words(await page(home, path))
        assert "not split into same and other schools: both periods have 3 visits together" in shown
        assert "looks through 2 at most" in shown
        assert "تقسیم نہیں کیا گیا" in words(await page(home, f"{path}&lang=ur"))
    answer = await home.client.get("/v1/cards/PSN?period=2018-08&view=restated")
    why = answer.json()["not_by_school"]
    assert (why["code"], why["visits"], why["most_visits"]) == ("too_many_visits", 3, 2)


def listening(shown: str) -> dict[str, str]:
    """What an open page listens to, by the names that its script reads; empty when to nothing."""
    return dict(re.findall(r'data-(stream|first|last)="([^"]*)"', shown))


async def test_lists_and_indicators_hear_that_their_figures_moved(home: Embedded) -> None:
    answers = {
        path: await home.client.get(path, headers={"Accept": "text/html"})
        for path in (
            "/lists/QTA?period=2019-05",
            "/lists/QTA?list=not_visited&period=2019-05",
            "/units/QTA/indicators/student_attendance?period=2019-05",
            "/units/QTA/indicators/usable_rooms?period=2019-05",
        )
    }
    days = []
    for answer in answers.values():
        told = listening(answer.text)
        days.append((told["first"], told["last"]))
        stream = httpx.URL(html.unescape(told["stream"]))
        assert (stream.path, stream.params["unit"]) == ("/v1/stream", "QTA")
        heard = await home.client.get(stream, params={**stream.params, "seconds": "0"})
        assert "event: figures" not in heard.text, "nothing has moved since the page was made"
        policy = answer.headers["content-security-policy"]
        assert policy.endswith("; script-src 'self'; connect-src 'self'")
    assert days == [
        ("2018-05-31", "2019-05-31"),
        ("0001-01-01", "2019-05-31"),
        ("2018-05-01", "2019-05-31"),
        ("2017-05-01", "2019-05-31"),
    ]
    now = (await home.client.get("/v1/units/QTA/lists")).json()["as_of"]
    for path in answers:
        past = await home.client.get(f"{path}&known_at={now}", headers={"Accept": "text/html"})
        assert past.status_code == 200
        assert listening(past.text) == {}, "what was known then does not move"
        assert "script-src" not in past.headers["content-security-policy"]


async def test_the_labels_of_a_card_come_in_every_language_of_the_definitions(
    home: Embedded,
) -> None:
    path = "/v1/cards/QTA?period=2019-05"
    figures: dict[str, list[dict[str, object]]] = {}
    for lang, label, split in (
        ("en", "Student attendance", "Boys"),
        ("ur", "طلبہ کی حاضری", "لڑکے"),
        ("bn", "শিক্ষার্থীদের উপস্থিতি", "ছেলে"),
    ):
        asked = (await home.client.get(f"{path}&lang={lang}")).json()
        wished = await home.client.get(path, headers={"Accept-Language": f"{lang}-XX, fr;q=0.9"})
        assert wished.json()["figures"] == asked["figures"]
        assert asked["lang"] == lang
        rows = {(row["indicator"], row["split"]): row for row in asked["figures"]}
        total, boys = rows["student_attendance", None], rows["student_attendance", "boys"]
        assert (total["label"], total["split_label"]) == (label, None)
        assert (boys["label"], boys["split_label"]) == (label, split)
        figures[lang] = [
            {name: row[name] for name in row.keys() - {"label", "split_label"}}
            for row in asked["figures"]
        ]
    assert figures["bn"] == figures["ur"] == figures["en"], "a language changes labels alone"
    page = await home.client.get(f"{path}&lang=bn", headers={"Accept": "text/html"})
    assert page.status_code == 422
