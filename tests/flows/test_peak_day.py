"""A small day of Bangladesh's peak, with all that phones and monitors make of it, is right.

The whole day is `python -m tests.benchmarks.peak_day`.
"""

from __future__ import annotations

from pathlib import Path

from demo.bangladesh import country
from tests.histories.peak import DAY, MONTH, ZONE, Peak
from tests.oracle.compare import VIEWS, Window, month_window
from tests.oracle.everywhere import Everywhere, compared
from tests.support.embedded import embedded

WINDOWS = (Window(f"{DAY}..{DAY}", DAY, DAY), month_window(MONTH))


async def test_a_day_of_the_peak_is_the_oracles(tmp_path: Path) -> None:
    made = country(160, 3)
    async with embedded(tmp_path, timezone=ZONE.key) as house:
        peak = Peak(house.client, house.clock, made, 240, 5, trouble=5.0)
        await peak.register()
        await house.drain()

        async def folded(*_: object) -> None:
            await house.drain()

        await peak.day(folded)
        kinds = {operation["op"] for operation in peak.played.changes}
        assert kinds == {"correct", "withdraw", "restore"}, "a day that says nothing proves nothing"
        everywhere = Everywhere(peak.played.log())
        assert len(everywhere.whole.visits) > 200
        levels = {unit.unit_id: unit.level for unit in made.units}
        # The smallest units are many and alike: those in which anything moved, and some more.
        units = [unit for unit in everywhere.units() if levels.get(unit) in ("country", "division")]
        units += [unit for unit in everywhere.units() if levels.get(unit) == "upazila"][::12]
        units += sorted(peak.played.touched)
        found = []
        for unit in units:
            found += await compared(house.client, everywhere.of(unit), unit, WINDOWS, VIEWS, DAY)
        assert found == []
        assert await house.verified() == []
