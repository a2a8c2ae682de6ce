"""The generator for measuring: any size, in order or shuffled, fast, and taken by the intake."""

from collections import Counter
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from demo import synthetic
from services.ingest.rules import reject
from services.ingest.schemas import VisitIn
from shared.clock import from_micros

FIRST, LAST = date(2018, 1, 1), date(2018, 3, 31)


@pytest.mark.parametrize("size", [32, 33, 500, 14_000])
def test_a_register_is_whole(size: int) -> None:
    register = synthetic.register(size, 1)
    units = {body["unit_id"]: body for body in register.unit_bodies()}
    assert all(body["parent_id"] in units for body in units.values() if body["parent_id"])
    schools = list(register.school_bodies())
    assert len({body["school_code"] for body in schools}) == size == len(register)
    sizes = Counter(body["unit_id"] for body in schools)
    assert max(sizes.values()) <= 14
    assert {unit for unit in units if units[unit]["level"] == "cluster"} == set(sizes)


def test_the_largest_district_has_about_a_tenth() -> None:
    register = synthetic.register(14_000, 1)
    assert 0.09 < float((register.district == 0).mean()) < 0.11


def test_a_register_needs_a_school_for_every_district() -> None:
    with pytest.raises(ValueError, match="32"):
        synthetic.register(31, 1)


@pytest.mark.parametrize("shuffled", [False, True])
def test_visits_are_full_forms_in_order_of_receipt(shuffled: bool) -> None:
    register = synthetic.register(500, 1)
    found = list(synthetic.visits(register, 3_000, 9, FIRST, LAST, shuffled))
    assert found == list(synthetic.visits(register, 3_000, 9, FIRST, LAST, shuffled))
    received = [moment for moment, _ in found]
    assert received == sorted(set(received))
    decoder = msgspec.json.Decoder(VisitIn)
    visits = [decoder.decode(body) for _, body in found]
    assert len({visit.visit_id for visit in visits}) == 3_000
    moments = [visit.visited_at for visit in visits]
    assert (moments == sorted(moments)) is not shuffled
    assert min(moments) >= datetime(2018, 1, 1, tzinfo=UTC)
    assert max(moments) < datetime(2018, 4, 1, tzinfo=UTC)
    codes = {body["school_code"] for body in register.school_bodies()}
    zone = ZoneInfo("Asia/Karachi")
    for moment, visit in zip(received, visits, strict=True):
        assert visit.school_code in codes
        assert visit.visited_at < from_micros(moment)
        assert reject(visit, from_micros(moment), zone) == []
    full = [visit for visit in visits if visit.status == "open"]
    assert len(full) > 2_500
    groups = "students teachers non_teaching rooms toilets facilities oversight participation"
    assert all(getattr(full[0], name) is not None for name in groups.split())
