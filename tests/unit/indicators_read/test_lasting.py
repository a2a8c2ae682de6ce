"""Work that goes on: what passes is tried again, what nobody foresaw is told and tried again."""

from services.indicators.lasting import Lasting
from shared.db.errors import Transient


async def test_what_nobody_foresaw_is_trouble_until_the_work_was_done() -> None:
    work = Lasting("the night's estimate")

    async def damaged() -> int:
        raise ValueError("3 bytes are no row")

    async def nothing_due() -> None:
        return None

    async def done() -> int:
        return 0

    assert not await work.attempt(damaged)
    told = await work.trouble()
    assert told is not None
    assert told.startswith("the night's estimate failed: ValueError")
    assert "3 bytes" not in told
    assert await work.attempt(nothing_due)
    assert await work.trouble() == told
    assert await work.attempt(done)
    assert await work.trouble() is None


async def test_what_passes_by_itself_is_no_trouble() -> None:
    work = Lasting("the night's estimate")

    async def waits() -> int:
        raise Transient("busy")

    assert not await work.attempt(waits)
    assert await work.trouble() is None
