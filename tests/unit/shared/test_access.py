"""Keys open what they were made for, until they are revoked or expire; only digests are kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import access as access_module
from shared.access import TABLES, Access
from shared.clock import SetClock
from shared.db.sqlite import SqliteDatabase
from shared.errors import Problem

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
async def access(tmp_path: Path):
    store = Access(SqliteDatabase(tmp_path / "access.db", TABLES), SetClock(NOW))
    await store.open()
    yield store
    await store.close()


async def test_a_key_stands_for_its_source_scopes_and_units(access: Access) -> None:
    key, key_id, _ = await access.create_key(
        "pmc", ["visits:write"], source="pmc-tablets", units=["PK-BA-QTA"]
    )
    principal = await access.authenticate(key)
    assert (principal.key_id, principal.source) == (key_id, "pmc-tablets")
    assert principal.has("visits:write")
    assert not principal.has("admin")
    assert principal.units == {"PK-BA-QTA"}


async def test_nothing_that_opens_is_stored(access: Access, tmp_path: Path) -> None:
    key, _, _ = await access.create_key("pmc", ["admin"])
    secret = key.split("_", 2)[2].encode()  # it may hold "_" itself
    assert len(secret) == 43
    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240


@pytest.mark.parametrize("key", ["", "rtsm", "rtsm_x_y", "rtsm_service_guess", "bearer", "rtsm__"])
async def test_other_words_open_nothing(access: Access, key: str) -> None:
    with pytest.raises(Problem) as refused:
        await access.authenticate(key)
    assert refused.value.status == 401


async def test_a_revoked_key_dies_within_five_seconds(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, key_id, _ = await access.create_key("pmc", ["admin"])
    token = await access.start_session(key)
    await access.session(token)
    assert await access.revoke_key(key_id)
    monkeypatch.setattr(access_module, "_REMEMBER_SECONDS", 0.0)
    for asked in (access.authenticate(key), access.session(token)):
        with pytest.raises(Problem):
            await asked


async def test_an_expired_key_opens_nothing(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "_REMEMBER_SECONDS", 0.0)
    key, _, _ = await access.create_key("pmc", ["admin"], days=1)
    await access.authenticate(key)
    access._clock.advance(timedelta(days=1, seconds=1))
    with pytest.raises(Problem):
        await access.authenticate(key)


async def test_a_session_is_never_wider_than_its_key(access: Access) -> None:
    key, _, _ = await access.create_key("deo", ["cards:read"], units=["PK-BA-QTA"])
    principal = await access.session(await access.start_session(key))
    assert principal.scopes == {"cards:read"}
    assert principal.units == {"PK-BA-QTA"}


async def test_an_unknown_scope_is_refused(access: Access) -> None:
    with pytest.raises(ValueError, match="visits:dance"):
        await access.create_key("x", ["visits:dance"])
