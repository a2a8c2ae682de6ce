"""Register, school, visits, review and imports as pages, in a whole house: who may do what."""

import csv
import io
import re
from uuid import UUID

import httpx
import pytest

from tests.unit.reports.small_house import SCHOOLS, VISIT, a_house, a_visit, put

HTML = {"Accept": "text/html"}
PARTNERS = str(UUID(int=8))


@pytest.fixture
async def home(tmp_path):
    async with a_house(tmp_path) as running:
        yield running


async def browser(home, scopes, units=None, source=None):
    """A browser that is signed in by a key."""
    key, _, _ = await home.platform.access.create_key(
        "somebody", scopes, units=units, source=source
    )
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=home.app), base_url="http://rtsm.example", headers=HTML
    )
    assert (await client.post("/sign-in", data={"key": key})).status_code == 303
    return client


def token_of(page):
    return re.search(r'name="form_token" value="([0-9a-f]{40})"', page)[1]


async def test_the_register_is_a_tree_with_a_map_and_the_same_in_words(home):
    reader = await browser(home, ["cards:read"])
    page = (await reader.get("/register", follow_redirects=True)).text
    assert "<h1>Balochistan</h1>" in page
    assert 'href="/register/QTA?lang=en"' in page
    assert 'class="dots" d="M' in page
    district = (await reader.get("/register/QTA?lang=en")).text
    # The swapped point is named, not drawn: it would shrink all others to a spot.
    assert "4 schools by their registered points" in re.sub("<[^>]*>", "", district)
    assert "67.0000, 30.2000" in district
    assert "<b>1</b>" not in district
    assert 'href="/schools/01005?lang=en"' in district
    found = (await reader.get("/register", params={"q": "kuch"})).text
    assert 'href="/register/CL-1?lang=en"' in found
    assert (await reader.get("/register/NOWHERE")).status_code == 404
    urdu = (await reader.get("/register/BA?lang=ur")).text
    assert 'dir="rtl"' in urdu
    assert "<h1>بلوچستان</h1>" in urdu


async def test_who_may_see_some_units_sees_no_others(home):
    deo = await browser(home, ["cards:read", "visits:read", "visits:review"], ["PSN"], "own")
    assert "<h1>Pishin</h1>" in (await deo.get("/register", follow_redirects=True)).text
    assert (await deo.get("/register/PSN")).status_code == 200
    for hidden in ("/register/QTA", "/register/BA", "/schools/01001", f"/visits/{VISIT}"):
        assert (await deo.get(hidden)).status_code == 404, hidden
    found = (await deo.get("/register", params={"q": "GBPS"})).text
    assert "/schools/1006" in found
    assert "/schools/1001" not in found
    assert VISIT not in (await deo.get("/reviews")).text
    plain = await browser(home, ["cards:read"], ["QTA"])
    assert (await plain.get("/reviews")).status_code == 403
    assert (await plain.get("/imports")).status_code == 403
    assert (await plain.get(f"/visits/{VISIT}?source=own")).status_code == 403
    assert VISIT not in (await plain.get("/schools/01001")).text


async def test_a_school_shows_what_changed_and_its_visits(home):
    changed = SCHOOLS[0] | {"gender": "mixed", "valid_from": "2019-06-01"}
    await put(home, "/v1/schools", [changed])
    await home.drain()
    reader = await browser(home, ["cards:read", "visits:read"], source="own")
    page = (await reader.get("/schools/1001?lang=en")).text
    assert f"/visits/{VISIT}?source=own" in page
    assert "boys and girls" in page
    assert "2019-06-01" in page
    assert "shorter than 10 minutes" in page


async def test_a_reviewer_excludes_a_visit_with_a_note_and_others_cannot(home):
    reviewer = await browser(home, ["cards:read", "visits:read", "visits:review"], source="own")
    queue = await reader_text(reviewer, "/reviews?flag=short_visit")
    assert VISIT in queue
    page = await reader_text(reviewer, f"/visits/{VISIT}?source=own")
    assert "<script>alert" not in page
    sent = {"decision": "exclude", "reason": "made in four minutes", "note": "called the school"}
    address = f"/visits/{VISIT}/decision?source=own"
    assert (await reviewer.post(address, data=sent)).status_code == 403
    sent["form_token"] = token_of(page)
    foreign = await reviewer.post(address, data=sent, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    done = await reviewer.post(address, data=sent)
    assert done.status_code == 303
    after = await reader_text(reviewer, done.headers["location"])
    assert "called the school" in after
    assert "somebody" in after
    told = (await home.client.get(f"/v1/visits/{VISIT}")).json()
    assert (told["status"], told["revision"]) == ("excluded", 2)
    wrong = await reviewer.post(address, data={"decision": "x", "form_token": sent["form_token"]})
    assert wrong.status_code == 422
    reply = {"text": "The head was there.", "role": "school", "form_token": sent["form_token"]}
    assert (await reviewer.post(f"/visits/{VISIT}/reply?source=own", data=reply)).is_redirect
    assert "The head was there." in await reader_text(reviewer, f"/visits/{VISIT}?source=own")
    assert "replies: <bdi>1</bdi>" in await reader_text(reviewer, "/schools/01001?lang=en")


@pytest.mark.parametrize("units", [None, ["QTA"]])
async def test_a_key_that_reviews_sees_what_its_own_source_sent(home, units):
    scopes = ["cards:read", "visits:read", "visits:review"]
    reviewer = await browser(home, scopes, units, "partner")
    for address in (f"/visits/{VISIT}", f"/visits/{VISIT}?source=own"):
        assert (await reviewer.get(address)).status_code == 404, address
    assert VISIT not in await reader_text(reviewer, "/schools/01001")
    assert VISIT not in await reader_text(reviewer, "/reviews")
    partner = a_visit(visit_id=PARTNERS, source="partner", monitor_id="P-1")
    assert (await home.client.post("/v1/visits", json=partner)).status_code == 201
    await home.drain()
    assert PARTNERS in await reader_text(reviewer, "/schools/01001")
    assert "P-1" in await reader_text(reviewer, f"/visits/{PARTNERS}")
    person = await browser(home, scopes, ["QTA"], "officer:17")
    school = await reader_text(person, "/schools/01001")
    assert VISIT in school
    assert PARTNERS in school
    assert "M-1" in await reader_text(person, f"/visits/{VISIT}?source=own")


async def reader_text(client, path):
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_file_is_tried_then_imported_and_its_losses_are_named(home):
    keeper = await browser(home, ["cards:read", "imports:write", "registry:write"], source="own")
    page = await reader_text(keeper, "/imports?lang=en")
    action = re.search(r'action="(/imports\?[^"]+)"', page)[1].replace("&amp;", "&")
    assert 'value="visits"' not in page  # what one may not send is not offered
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["school_code", "name", "unit_id", "gender"])
    writer.writerow(["02001", "GBPS Killi Nau", "CL-1", "boys"])
    writer.writerow(["02002", "GBPS Killi Kohna", "CL-1", "males <i>"])
    file = {"file": ("schools.csv", table.getvalue().encode(), "text/csv")}
    fields = {"kind": "schools", "mapping": "", "dry_run": "true"}
    assert (await keeper.post("/imports", data=fields, files=file)).status_code == 403
    sent = await keeper.post(action, data=fields, files=file)
    assert sent.status_code == 303, sent.text
    job = sent.headers["location"]
    waiting = await keeper.get(job)
    assert waiting.headers["refresh"] == "2"
    await home.drain()
    tried = await keeper.get(job)
    assert "refresh" not in tried.headers
    assert "not_in_list" in tried.text
    report = await keeper.get(f"{job.partition('?')[0]}/report.csv")
    assert "gender" in report.text
    assert (await home.client.get("/v1/schools?school=2001")).json()["schools"] == []
    run = f"{job.partition('?')[0]}/run"
    assert (await keeper.post(run, data={})).status_code == 403
    real = await keeper.post(run, data={"form_token": token_of(tried.text)})
    assert real.status_code == 303
    await home.drain()
    assert (await home.client.get("/v1/schools?school=2001")).json()["schools"] != []
    nonsense = {"file": ("a.csv", b"", "text/csv")}
    refused = await keeper.post(action, data=fields, files=nonsense)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
