"""Signing in by a link in a mail, in a whole house with a real mail server beside it."""

import re
from datetime import timedelta

import httpx
import pytest

from tests.support.embedded import Embedded, embedded
from tests.support.smtp_sink import SmtpSink

ADDRESS = "deo.quetta@edu.example"
HTML = {"Accept": "text/html"}


def officer(**changed):
    return {
        "officer_id": "DEO-QTA",
        "name": "Asma Baloch",
        "post": "DEO",
        "email": ADDRESS,
        "channels": ["email"],
        "postings": [{"unit_id": "QTA", "from": "2018-01-01", "to": "2019-06-03"}],
    } | changed


async def a_house(home: Embedded, **changed):
    units = [
        {"unit_id": "BA", "name": "Balochistan", "level": "province"},
        {"unit_id": "QTA", "name": "Quetta", "level": "district", "parent_id": "BA"},
        {"unit_id": "PSN", "name": "Pishin", "level": "district", "parent_id": "BA"},
    ]
    assert (await home.client.put("/v1/units", json=units)).status_code == 200
    assert (await home.client.put("/v1/officers", json=[officer(**changed)])).status_code == 200
    await home.drain()


@pytest.fixture
def mails():
    sink = SmtpSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
async def home(tmp_path, mails):
    smtp = {"host": mails.host, "port": mails.port, "tls": "none", "sender": "rtsm@edu.example"}
    async with embedded(tmp_path, smtp=smtp) as running:
        yield running


@pytest.fixture
async def person(home):
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=home.app), base_url="http://rtsm.example"
    ) as browser:
        yield browser


async def link_for(home, person, mails, address=ADDRESS):
    answer = await person.post("/sign-in/mail", data={"email": address})
    assert answer.status_code == 200
    await home.drain()
    return re.search(r"/sign-in/link/[\w-]+", mails.mails[-1].text())[0] if mails.mails else None


async def test_a_link_signs_in_once_with_the_units_of_the_day(home, person, mails):
    await a_house(home)
    link = await link_for(home, person, mails, ADDRESS.upper())
    assert mails.mails[-1].recipients == (ADDRESS,)
    for _ in range(2):  # a scanner opens it, then the person
        opened = await person.get(link)
        assert opened.status_code == 200
        assert f'action="{link}"' in opened.text
        assert "set-cookie" not in opened.headers
    used = await person.post(link)
    assert used.status_code == 303
    assert {"httponly", "samesite=strict"} <= {
        part.strip().lower() for part in used.headers["set-cookie"].split(";")
    }
    assert (await person.get("/units/QTA", headers=HTML)).status_code == 200
    assert (await person.get("/units/PSN", headers=HTML)).status_code == 404
    assert (await person.get("/units/BA", headers=HTML)).status_code == 404
    assert (await person.get("/v1/keys")).status_code == 403
    assert "DEO-QTA" in (await person.get("/sign-in")).text
    assert (await person.post(link)).status_code == 410
    assert (await person.post("/sign-out")).status_code == 303
    assert (await person.get("/units/QTA", headers=HTML)).status_code == 401


async def test_the_answer_does_not_tell_who_is_known(home, person, mails):
    await a_house(home)
    known = await person.post("/sign-in/mail", data={"email": ADDRESS})
    unknown = await person.post("/sign-in/mail", data={"email": "nobody@edu.example"})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    for _ in range(5):
        again = await person.post("/sign-in/mail", data={"email": ADDRESS})
        assert (again.status_code, again.text) == (known.status_code, known.text)
    await home.drain()
    assert len(mails.mails) == 3
    assert (await person.post("/sign-in/mail", data={"email": "no address"})).status_code == 422
    foreign = await person.post(
        "/sign-in/mail", data={"email": ADDRESS}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403


async def test_a_link_grows_old_and_a_posting_ends(home, person, mails):
    await a_house(home)
    link = await link_for(home, person, mails)
    home.clock.advance(timedelta(minutes=16))
    assert (await person.get(link)).status_code == 410
    assert (await person.post(link)).status_code == 410
    link = await link_for(home, person, mails)
    assert (await person.post(link)).status_code == 303
    # 2019-06-03 ends at 19:00 UTC: so does the posting, and the session with it.
    home.clock.advance(timedelta(hours=15))
    home.platform.access._known.clear()
    assert (await person.get("/units/QTA", headers=HTML)).status_code == 401


async def test_who_holds_no_post_today_gets_no_link(home, person, mails):
    await a_house(home, postings=[{"unit_id": "QTA", "from": "2018-01-01", "to": "2019-06-02"}])
    assert await link_for(home, person, mails) is None


async def test_a_changed_record_ends_the_sessions_made_from_it(home, person, mails):
    await a_house(home)
    assert (await person.post(await link_for(home, person, mails))).status_code == 303
    moved = officer(postings=[{"unit_id": "PSN", "from": "2019-06-01"}])
    home.clock.advance(timedelta(seconds=1))
    assert (await home.client.put("/v1/officers", json=[moved])).status_code == 200
    await home.drain()
    assert (await person.get("/units/QTA", headers=HTML)).status_code == 401
