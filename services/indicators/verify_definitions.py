"""Whether the circular's indicators come to what they must: a worked example, reckoned by hand.

Owns the example (three visits and their figures) and the reckoning from the form through measures
and contributions to every numerator and denominator. That a version once used goes on saying the
same is `definition_file`'s. Pure.
"""

import json
from datetime import date
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np

from services.indicators.catalogue import Definitions
from services.indicators.cells import encode_row
from services.indicators.contributions import whole
from services.indicators.form import Form, measure
from services.indicators.register import Register
from services.indicators.segments import SchoolVersion, UnitVersion
from services.indicators.visits import Visits
from shared.domain.days import day_number

_EXAMPLE = "worked_example.json"


def example() -> dict[str, Any]:
    """The worked example: its day, visits, schools nobody visited, and figures by split."""
    text = files("services.indicators").joinpath(_EXAMPLE).read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


def misreckoned(definitions: Definitions, look_back: int) -> list[str]:
    """Return a line for each figure of the worked example that comes out otherwise.

    Only the shipped version 1 of each indicator is held against it: what a ministry defines is its
    own.
    """
    told = example()
    measures = _measures(told, look_back)
    matrices = definitions.matrices
    numerators, denominators = measures @ matrices.numerators, measures @ matrices.denominators
    found = []
    for code, splits in told["figures"].items():
        for split, pair in splits.items():
            place = definitions.place(code, split or None, 1)
            if place is None:
                found.append(f"definition {code}, version 1: there is no {split or 'total'}")
                continue
            given = [int(numerators[place]), int(denominators[place])]
            if given != pair:
                found.append(
                    f"definition {code}, version 1, {split or 'total'}: the worked example comes "
                    f"to {given[0]}/{given[1]}, should be {pair[0]}/{pair[1]}"
                )
    return found


def _measures(told: dict[str, Any], look_back: int) -> Any:
    """All measures of the example's one unit on its day, in the order of the matrices."""
    schools = {visit["school"]: visit["gender"] for visit in told["visits"]}
    schools |= dict.fromkeys(told["unvisited"])
    register = Register.from_versions(
        [UnitVersion("EXAMPLE", 0, None, "cluster", 1)],
        [SchoolVersion(c, 0, "EXAMPLE", g, "open", 1) for c, g in schools.items()],
    )
    day = day_number(date.fromisoformat(told["day"]))
    visits = Visits.from_rows([_row(register, visit, day) for visit in told["visits"]])
    deltas = whole(visits, register, register.known_schools(), look_back)
    unit = register.unit_index["EXAMPLE"]
    flow = deltas.flow.values[(deltas.flow.unit == unit) & (deltas.flow.when == day)].sum(axis=0)
    until = (deltas.stock.unit == unit) & (deltas.stock.when <= day)
    stock = deltas.stock.values[until].sum(axis=0)
    covered = np.unique(visits.school).size
    return np.concatenate([flow, stock, [covered]])


def _row(register: Register, visit: dict[str, Any], day: int) -> tuple[object, ...]:
    form = msgspec.convert(visit["form"], Form)
    flow, stock, groups, mask = measure(form)
    return (
        *("example", visit["school"], register.school_index[visit["school"]], day, day, day),
        *(None, form.visit_type or "routine", "standing", groups, mask),
        *(encode_row(flow), encode_row(stock)),
    )
