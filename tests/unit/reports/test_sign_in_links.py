"""Links to sign in, in both dialects: used once, however many press the button at once."""

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.reports.sign_in import SignIn, person_of
from shared.access import TABLES, Access
from shared.clock import SetClock
from shared.db.engine import database_for
from shared.settings import Settings

PERSON = {
    "officer_id": "DEO-QTA",
    "language": "en",
    "postings": [{"unit_id": "QTA", "post": "DEO"}],
    "days_left": None,
}


class Notify:
    def __init__(self):
        self.tokens = []

    async def people(self, email):
        return [PERSON]

    async def person(self, officer_id):
        return PERSON

    async def mail_link(self, officer_id, token):
        self.tokens.append(token)


async def test_of_many_who_use_a_link_at_once_one_is_let_in(database, tmp_path):
    clock, notify = SetClock(datetime(2019, 6, 3, tzinfo=UTC)), Notify()
    access = Access(database_for(Settings(data_dir=tmp_path), "access", TABLES, size=2), clock)
    await access.open()
    sign_in = SignIn(database, notify, access, clock, ZoneInfo("Asia/Karachi"))
    await sign_in.take_secret()
    await sign_in.ask("deo@edu.example")
    assert await sign_in.drain() == 1
    [token] = notify.tokens
    sessions = await asyncio.gather(*(sign_in.use(token) for _ in range(8)))
    [session] = [each for each in sessions if each is not None]
    assert (await access.session(session)).units == {"QTA"}
    async with database.reading() as tx:
        assert await tx.fetch("SELECT * FROM sign_in_links") == []
    await access.close()


def test_of_several_posts_only_what_all_of_them_allow():
    both = PERSON | {
        "postings": [
            {"unit_id": "QTA", "post": "performance_cell"},
            {"unit_id": "PSN", "post": "DEO"},
        ]
    }
    person = person_of(both)
    assert person.units == ["PSN", "QTA"]
    assert "visits:read" in person.scopes
    assert not {"visits:review", "imports:write", "alerts:write", "admin"} & set(person.scopes)
    assert person_of(PERSON | {"postings": []}) is None
