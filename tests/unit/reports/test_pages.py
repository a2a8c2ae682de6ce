"""The routes of reports over fake services: forms, languages, cache, scope, sessions, problems."""

import json
import re
from html.parser import HTMLParser

import httpx
import pytest

from shared.cache import MemoryCache
from tests.unit.reports.app import a_site

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
CARD = "/v1/cards/BA-QTA"


class Shape(HTMLParser):
    """What a page is made of."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.attributes = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))


def shape(page):
    parsed = Shape()
    parsed.feed(page)
    return parsed


@pytest.fixture
async def site(tmp_path):
    async with a_site(tmp_path) as running:
        yield running


async def test_a_card_is_json_unless_html_is_preferred(site):
    plain = await site.client.get(CARD)
    assert plain.headers["content-type"] == "application/json"
    assert plain.json()["unit"] == "BA-QTA"
    assert plain.json()["previous_period"] == "2016-08..2017-12"
    page = await site.client.get(CARD, headers=HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    asked = await site.client.get(CARD, params={"format": "json"}, headers=HTML)
    assert asked.json() == plain.json()
    assert (await site.client.get("/units/BA-QTA")).text == page.text


async def test_targets_are_inherited_from_the_province(site):
    document = (await site.client.get(CARD)).json()
    figure = next(
        f
        for f in document["figures"]
        if f["indicator"] == "student_attendance" and f["split"] is None
    )
    assert figure["target"] == 0.8
    assert figure["baseline"] == 0.7
    assert figure["target_unit_id"] == "PK-BA"
    assert figure["status"] in {"met", "on_track", "off_track", "cannot_tell"}
    assert [place["unit_id"] for place in document["chain"]] == ["BA-QTA", "BA-QTA-DIV", "PK-BA"]


async def test_urdu_is_right_to_left_and_its_numbers_are_isolated(site):
    page = (await site.client.get("/units/BA-QTA", params={"lang": "ur"})).text
    assert '<html lang="ur" dir="rtl">' in page
    assert "<h1>کوئٹہ</h1>" in page
    text = re.sub(r"<bdi>[^<]*</bdi>", "", page.partition("<main")[2])
    assert not re.search(r">[^<]*[0-9]%[^<]*[\u0600-\u06ff]", text.replace("0 تا 100%", ""))
    negotiated = await site.client.get(
        "/units/BA-QTA", headers={"Accept-Language": "ur-PK,en;q=0.5"}
    )
    assert negotiated.text == page


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/units/BA-QTA",
        "/units/BA-QTA?lang=ur",
        "/sign-in",
        "/problems/not_found",
        "/?q=quetta",
        "/?level=district",
    ],
)
async def test_pages_have_no_inline_script_or_style_and_nothing_from_elsewhere(site, path):
    answer = await site.client.get(path)
    assert answer.status_code == 200
    parsed = shape(answer.text)
    assert not {"style", "iframe", "object", "base"} & set(parsed.tags)
    scripts = [attributes for tag, attributes in parsed.attributes if tag == "script"]
    assert len(scripts) == path.startswith("/units/")
    assert all(each["src"].startswith("/static/live.") for each in scripts)
    for _, attributes in parsed.attributes:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "action"):
            assert not (attributes.get(name) or "").startswith(("http", "//", "javascript"))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("; script-src 'self'; connect-src 'self'") == bool(scripts)
    assert "unsafe" not in policy
    assert policy.count("script-src") == bool(scripts)


async def test_a_card_that_is_known_already_keeps_its_policy(site):
    held = await site.client.get("/units/BA-QTA")
    again = await site.client.get("/units/BA-QTA", headers={"If-None-Match": held.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == held.headers["content-security-policy"]


async def test_what_was_known_in_the_past_does_not_move(site):
    page = (await site.client.get("/units/BA-QTA?known_at=2019-06-01T00:00:00Z")).text
    assert "<script" not in page
    assert 'role="status"' not in page


async def test_static_files_are_named_by_their_content_and_kept(site):
    page = (await site.client.get("/")).text
    sheet = re.search(r'href="(/static/card\.[0-9a-f]{12}\.css)"', page)
    assert sheet is not None
    answer = await site.client.get(sheet[1])
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    fonts = re.findall(r"url\(([^)]+)\)", answer.text)
    assert len(fonts) == 2
    for font in fonts:
        assert (await site.client.get(f"/static/{font}")).headers["content-type"] == "font/woff2"
    assert (await site.client.get("/static/..%2fservice.py")).status_code == 404


async def test_the_same_card_is_not_gathered_twice_and_304_when_it_is_known(site):
    first = await site.client.get(CARD)
    before = len(site.services.asked)
    second = await site.client.get(CARD)
    asked = site.services.asked[before:]
    assert second.content == first.content
    assert not any("figures" in path and "version" not in path for path in asked)
    known = await site.client.get(CARD, headers={"If-None-Match": first.headers["etag"]})
    assert known.status_code == 304
    assert known.headers["etag"] == first.headers["etag"]
    assert not known.content


@pytest.mark.parametrize(
    "change", ["version", "targets", "day", "lang", "period", "view", "format"]
)
async def test_the_etag_moves_with_everything_a_card_depends_on(site, change):
    params = {"format": "html"}
    first = await site.client.get(CARD, params=params)
    if change == "version":
        site.services.version = "v2"
    elif change == "targets":
        row = site.services.targets[0]
        site.services.targets.append(row | {"indicator": "teacher_attendance"})
    elif change == "day":
        from datetime import timedelta

        site.clock.advance(timedelta(days=1))
    else:
        params |= {
            "lang": {"lang": "ur"},
            "period": {"period": "2018"},
            "view": {"view": "restated"},
            "format": {"format": "json"},
        }[change]
    second = await site.client.get(CARD, params=params)
    assert second.headers["etag"] != first.headers["etag"]


async def test_a_card_is_of_one_version(site):
    site.services.versions_of_children = ["v0", "v1"]
    document = (await site.client.get(CARD)).json()
    assert document["version"] == "v1"


async def test_a_cache_that_is_away_costs_time_only(tmp_path):
    class Away(MemoryCache):
        async def get(self, key):
            return None

        async def set(self, key, value, seconds):
            return None

    async with a_site(tmp_path, cache=Away()) as site:
        assert (await site.client.get(CARD)).status_code == 200
        assert (await site.client.get("/")).status_code == 200


async def test_targets_last_known_serve_while_ingest_is_away(site):
    first = await site.client.get(CARD)
    site.services.away.add("ingest")
    assert (await site.client.get(CARD)).json() == first.json()


async def test_without_targets_ever_read_a_card_is_refused_not_wrong(site):
    site.services.away.add("ingest")
    answer = await site.client.get(CARD)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/targets_away"
    assert answer.headers["retry-after"]


async def test_indicators_away_is_a_503_that_says_so(site):
    site.services.away.add("indicators")
    answer = await site.client.get(CARD)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/indicators_away")


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"period": "2019-13"}, "/query/period"),
        ({"period": "2019-05..2018-01"}, "/query/period"),
        ({"period": "0001"}, "/query/period"),
        ({"period": "last-30-days", "ending": "yesterday"}, "/query/ending"),
        ({"view": "x"}, "/query/view"),
        ({"lang": "bn", "format": "html"}, "/query/lang"),
        ({"lang": "xx"}, "/query/lang"),
        ({"format": "pdf"}, "/query/format"),
        ({"sort": "x"}, "/query/sort"),
        ({"order": "x"}, "/query/order"),
        ({"period": "9" * 101}, "/query/period"),
    ],
)
async def test_a_malformed_question_is_422_with_a_pointer(site, params, pointer):
    answer = await site.client.get(CARD, params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert "9" * 50 not in answer.text


async def test_an_unknown_unit_is_404_as_problem_or_as_page(site):
    plain = await site.client.get("/v1/cards/NOWHERE")
    assert plain.status_code == 404
    assert plain.headers["content-type"].startswith("application/problem+json")
    page = await site.client.get("/units/NOWHERE", headers=HTML)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>" in page.text
    stray = await site.client.get("/no/such/page", headers=HTML)
    assert stray.status_code == 404
    assert stray.headers["content-type"].startswith("text/html")


async def test_home_shows_the_province_its_figures_and_two_levels_of_the_tree(site):
    page = (await site.client.get("/")).text
    assert "Balochistan" in page
    assert "/units/BA-QTA-DIV?" in page
    assert "/units/BA-QTA?" in page
    assert "Usable toilets" in page
    known = await site.client.get("/")
    again = await site.client.get("/", headers={"If-None-Match": known.headers["etag"]})
    assert again.status_code == 304


async def test_what_people_typed_and_names_are_escaped(site):
    nasty = '"><script>alert(1)</script>'
    page = (await site.client.get("/", params={"q": nasty})).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


async def test_the_notice_of_a_demonstration_is_on_every_page(tmp_path):
    async with a_site(tmp_path, demo_notice="All of this is made up.") as site:
        for path in ("/", "/units/BA-QTA?lang=ur", "/sign-in", "/problems/not_found"):
            assert "All of this is made up." in (await site.client.get(path)).text
        lost = await site.client.get("/nowhere", headers=HTML)
        assert "All of this is made up." in lost.text


async def test_every_problem_of_this_service_has_a_help_page(site):
    for code in ("invalid_period", "unauthenticated", "targets_away", "something_else"):
        answer = await site.client.get(f"/problems/{code}")
        assert answer.status_code == 200
        assert code in answer.text
    assert (await site.client.get("/problems/%3Cb%3E")).status_code == 404


async def test_an_empty_register_says_so(tmp_path):
    async with a_site(tmp_path, chains={}) as site:
        assert "The register is empty" in (await site.client.get("/")).text


async def test_a_unit_is_found_by_part_of_any_name(site):
    for query in ("QUETTA", "کوئٹہ", "ba-qta", "alias of que"):
        page = (await site.client.get("/", params={"q": query})).text
        assert "/units/BA-QTA?" in page, query
    assert "Nothing on the register" in (await site.client.get("/", params={"q": "%"})).text


async def test_pages_of_targets_are_read_to_the_end():
    from services.reports.targets import Targets

    row = {
        "indicator": "a",
        "split": "",
        "unit_id": "U",
        "from": None,
        "to": None,
        "baseline": None,
        "target": 0.5,
    }

    def answer(request):
        if "after" in request.url.params:
            return httpx.Response(200, content=json.dumps({"targets": [row | {"unit_id": "V"}]}))
        link = {"Link": '</v1/targets?after=1>; rel="next"'}
        return httpx.Response(200, json={"targets": [row, row | {"target": None}]}, headers=link)

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(answer), base_url="http://i"
    ) as client:
        book = await Targets(client).read()
    assert set(book.targets) == {("U", "a", None), ("V", "a", None)}
    assert len(book.targets["U", "a", None]) == 1


@pytest.mark.parametrize(
    "path", ["/units/BA-QTA", "/units/BA-QTA/indicators/student_attendance", "/lists/BA-QTA", "/"]
)
async def test_a_page_shows_no_other_figures_than_its_address_asks_for(site, path):
    """A misspelt known_at is refused; what a mailer adds to an address is nobody's business."""
    shown = await site.client.get(path, params={"utm_source": "mail", "fbclid": "x", "lang": "ur"})
    assert shown.status_code != 422
    refused = await site.client.get(path, params={"know_at": "2018-03-05T00:00:00Z"}, headers=HTML)
    assert refused.status_code == 422
    assert "There is no such parameter here" in refused.text
    assert "/query/know_at" in refused.text


async def test_a_page_is_in_english_or_urdu(site):
    refused = await site.client.get("/units/BA-QTA", params={"lang": "bn"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/query/lang"
    wished = await site.client.get("/units/BA-QTA", headers={"Accept-Language": "bn,ur;q=0.5"})
    assert '<html lang="ur"' in wished.text
