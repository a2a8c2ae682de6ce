"""The demonstration, as a newcomer gets it: loaded through the public API, served on its own clock.

Percentages prove little (several readings of the rooms figure print 82 %), so the integers that the
oracle computed are pinned, and the services must show exactly them.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from demo.load import DEMO_START
from demo.serving import PERIOD, demo_settings, load_history
from services.app import create_app
from services.indicators.verify import verify
from shared.clock import SetClock
from shared.settings import load_settings

PINNED = json.loads((Path(__file__).parents[1] / "demo" / "pinned.json").read_text("utf-8"))
CIRCULAR = {
    "usable_rooms": 82,
    "official_visits": 70,
    "non_teaching_attendance": 86,
    "student_attendance": 74,
    "teacher_attendance": 71,
    "usable_toilets": 48,
    "learning_environment": 36,
}


@pytest.fixture(scope="module")
async def demonstration(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[httpx.AsyncClient]:
    settings = load_settings({}, data_dir=tmp_path_factory.mktemp("demonstration"))
    await load_history(settings)
    served = demo_settings(settings, sending=False)
    app = create_app(served, SetClock(DEMO_START), background=False)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://rtsm") as client:
            client.app = app  # type: ignore[attr-defined]
            yield client


@pytest.mark.timeout(600)
@pytest.mark.parametrize("unit", sorted(PINNED["units"]))
async def test_the_services_show_the_integers_that_the_oracle_counted(
    demonstration: httpx.AsyncClient, unit: str
) -> None:
    card = (await demonstration.get(f"/v1/cards/{unit}", params={"period": PERIOD})).json()
    pinned = PINNED["units"][unit]
    for name in ("visits", "schools_visited", "schools_registered"):
        assert card[name] == pinned[name]
    shown = {f["indicator"]: f for f in card["figures"] if f["split"] is None}
    for indicator, integers in pinned["figures"].items():
        assert {name: shown[indicator][name] for name in integers} == integers, indicator


async def test_the_province_card_shows_the_circulars_percentages(
    demonstration: httpx.AsyncClient,
) -> None:
    card = (await demonstration.get("/v1/cards/PK-BA", params={"period": PERIOD})).json()
    assert card["visits"] == 57_158
    shown = {f["indicator"]: f for f in card["figures"] if f["split"] is None}
    percent = {
        name: (200 * shown[name]["numerator"] + shown[name]["denominator"])
        // (2 * shown[name]["denominator"])
        for name in CIRCULAR
    }
    assert percent == CIRCULAR
    page = (await demonstration.get("/units/PK-BA")).text
    assert "57,158" in page
    for number in CIRCULAR.values():
        assert f"{number}%" in page


async def test_a_recount_finds_nothing_wrong(demonstration: httpx.AsyncClient) -> None:
    platform = demonstration.app.state.platform  # type: ignore[attr-defined]
    wrong = await verify(
        platform.database("indicators"),
        platform.database("ingest"),
        platform.settings,
        lambda *_: None,
    )
    assert wrong == []
