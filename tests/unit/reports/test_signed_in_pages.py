"""Who is signed in is not asked to sign in, on any page; who is not, is, though pages are kept."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.unit.reports.small_house import a_house

HTML = {"Accept": "text/html"}
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
