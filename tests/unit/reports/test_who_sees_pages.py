"""Who may see which pages: by a key, by a session that it became, signed in or not."""

from pathlib import Path

import httpx

from tests.unit.reports.app import a_site
from tests.unit.reports.small_house import a_house

HTML = {"Accept": "text/html"}
CARD = "/v1/cards/BA-QTA"
PAGES = (
    "/",
    "/units/QTA",
    "/units/QTA/indicators/student_attendance",
    "/lists/QTA",
    "/register/QTA",
    "/check",
)
ASKED = 'href="/sign-in">'


async def header(client: httpx.AsyncClient, path: str) -> str:
    page = await client.get(path, follow_redirects=True)
    assert page.status_code == 200, path
    return page.text.partition("</header>")[0]


async def test_only_who_is_not_signed_in_is_asked_to(tmp_path: Path) -> None:
    async with a_house(tmp_path, public_read=True) as house:
        transport = httpx.ASGITransport(app=house.app)
        key, _, _ = await house.platform.access.create_key("Amina", ["cards:read"])
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://x", headers=HTML) as anybody,
            httpx.AsyncClient(transport=transport, base_url="http://x", headers=HTML) as person,
        ):
            signed = await person.post("/sign-in", data={"key": key})
            assert signed.status_code == 303
            # Twice: the second time from what is kept, for whomever it was made.
            for path in (*PAGES, *PAGES):
                asked = ASKED in await header(anybody, path), ASKED in await header(person, path)
                assert asked == (True, False), path


async def test_a_caller_sees_the_cards_of_own_units_only(tmp_path):
    async with a_site(tmp_path, public_read=False) as site:
        key, _, _ = await site.access.create_key("deo", ["cards:read"], units=["BA-QTA"])
        mine = {"Authorization": f"Bearer {key}"}
        assert (await site.client.get(CARD)).status_code == 401
        assert (await site.client.get(CARD, headers=mine)).status_code == 200
        assert (await site.client.get("/v1/cards/BA-QTA-C07", headers=mine)).status_code == 200
        above = await site.client.get("/v1/cards/BA-QTA-DIV", headers=mine)
        absent = await site.client.get("/v1/cards/NOWHERE", headers=mine)
        assert above.status_code == absent.status_code == 404
        assert above.json()["detail"] == absent.json()["detail"]
        found = await site.client.get("/", params={"q": "quetta"}, headers=mine)
        assert "/units/BA-QTA?" in found.text
        assert "BA-QTA-DIV" not in found.text
        home = (await site.client.get("/", headers=mine)).text
        assert "/units/BA-QTA?" in home
        assert "/units/PK-BA" not in home
        other, _, _ = await site.access.create_key("x", ["visits:write"])
        refused = await site.client.get(CARD, headers={"Authorization": f"Bearer {other}"})
        assert refused.status_code == 403


async def test_a_key_becomes_a_session_of_the_same_units(tmp_path):
    async with a_site(tmp_path, public_read=False) as site:
        asked = await site.client.get("/", headers=HTML)
        assert asked.status_code == 401
        assert 'action="/sign-in"' in asked.text
        wrong = await site.client.post("/sign-in", data={"key": "rtsm_x_y"})
        assert wrong.status_code == 401
        assert 'role="alert"' in wrong.text
        assert "rtsm_x_y" not in wrong.text
        key, key_id, _ = await site.access.create_key("deo", ["cards:read"], units=["BA-QTA"])
        foreign = await site.client.post(
            "/sign-in", data={"key": key}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert foreign.status_code == 403
        right = await site.client.post("/sign-in", data={"key": key})
        assert right.status_code == 303
        cookie = right.headers["set-cookie"].lower()
        assert "rtsm_session=" in cookie
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "secure" not in cookie
        assert key not in cookie
        assert (await site.client.get("/units/BA-QTA")).status_code == 200
        assert (await site.client.get("/units/PK-BA")).status_code == 404
        assert "deo" in (await site.client.get("/sign-in")).text
        out = await site.client.post("/sign-out")
        assert out.status_code == 303
        assert (await site.client.get("/units/BA-QTA")).status_code == 401
        too_long = await site.client.post("/sign-in", data={"key": "x" * 10_000})
        assert too_long.status_code == 413
        await site.access.revoke_key(key_id)


async def test_a_session_that_ended_does_not_shut_out_of_public_pages(tmp_path):
    async with a_site(tmp_path) as site:
        stale = {"Cookie": "rtsm_session=stale"}
        answer = await site.client.get("/", headers=HTML | stale)
        assert answer.status_code == 401
        assert "rtsm_session" in answer.headers["set-cookie"]
        assert (await site.client.get("/", headers=HTML)).status_code == 200


async def test_cookies_are_for_tls_only_where_the_site_is(tmp_path):
    async with a_site(tmp_path, public_url="https://rtsm.example") as site:
        key, _, _ = await site.access.create_key("deo", ["cards:read"])
        answer = await site.client.post("/sign-in", data={"key": key})
        assert "secure" in answer.headers["set-cookie"].lower()
