"""What is told after a fold."""

import json

import numpy as np

from services.indicators import announce, contributions
from services.indicators.contributions import Deltas
from services.indicators.register import Register
from services.indicators.segments import SchoolVersion, UnitVersion
from services.indicators.visits import Visits
from tests.unit.indicators_write.test_contributions import ROOMS, visit

UNITS = [
    UnitVersion("P", 0, None, "province", 1),
    UnitVersion("D1", 0, "P", "district", 2),
    UnitVersion("D2", 0, "P", "district", 3),
    UnitVersion("C1", 0, "D1", "cluster", 4),
    UnitVersion("C2", 0, "D2", "cluster", 5),
    UnitVersion("C3", 0, "P", "cluster", 6),
]


def told(register: Register, deltas: Deltas) -> dict[str, dict]:
    events = announce.moved(deltas, register, 5)
    assert all((e.topic, e.time, e.recorded) == ("rtsm.figures", 5, 5) for e in events)
    assert all(e.type == "rtsm.figures.changed.v1" and e.key == e.subject for e in events)
    return {event.key: json.loads(event.data) for event in events}


def test_one_event_per_district_with_its_units_and_days() -> None:
    clusters = ("C1", "C2", "C3")
    versions = [
        SchoolVersion(str(number), 17_000, cluster, None, "open", 9)
        for number, cluster in enumerate(clusters)
    ]
    register = Register.from_versions(UNITS, versions)
    rows = [visit("a", 17_600, ROOMS), visit("b", 17_700, ROOMS), visit("c", 17_650, ROOMS)]
    schools = [register.school_index[code] for code in ("0", "1", "2")]
    placed = [(*row[:2], number, *row[3:]) for row, number in zip(rows, schools, strict=True)]
    visits = Visits.from_rows(placed)
    none, all_ = np.zeros(3, bool), np.ones(3, bool)
    deltas = contributions.difference(visits, none, all_, register, 365)
    assert told(register, deltas) == {
        "D1": {"units": ["C1", "D1", "P"], "first_day": "2018-03-10", "last_day": "2019-03-10"},
        "D2": {"units": ["C2", "D2", "P"], "first_day": "2018-06-18", "last_day": "2019-06-18"},
        "P": {"units": ["C3", "P"], "first_day": "2018-04-29", "last_day": "2019-04-29"},
    }
    nothing = contributions.difference(visits, none, none, register, 365)
    assert announce.moved(nothing, register, 5) == []
    assert [event.key for event in announce.everything(register, 0, 1, 5)] == ["P", "D1", "D2"]
