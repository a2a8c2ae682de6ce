"""A small indicators and a small ingest behind httpx.MockTransport, with made-up figures."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httpx

from services.reports.figures import Figure, FigureSet, Place
from shared.journal.records import Event, Record
from tests.unit.reports import builders as b

CHAINS: dict[str, tuple[Place, ...]] = {
    "PK-BA": (b.PROVINCE,),
    "BA-QTA-DIV": (b.DIVISION, b.PROVINCE),
    "BA-QTA": (b.DISTRICT, b.DIVISION, b.PROVINCE),
    "BA-QTA-C07": (b.CLUSTER, b.DISTRICT, b.DIVISION, b.PROVINCE),
}
CHAINS |= {
    f"C{n}": (b.a_place(f"C{n}", f"Cluster {n}", "cluster", "BA-QTA"), *CHAINS["BA-QTA"])
    for n in range(4)
}
BELOW = {
    "PK-BA": (b.DIVISION,),
    "BA-QTA-DIV": (b.DISTRICT,),
    "BA-QTA": (b.CLUSTER, *(CHAINS[f"C{n}"][0] for n in range(4))),
}


def named(place: Place) -> dict[str, Any]:
    return {
        "unit_id": place.unit_id,
        "name": place.name,
        "names": place.names,
        "level": place.level,
    }


def a_unit(place: Place) -> dict[str, Any]:
    return {
        **named(place),
        "parent_id": place.parent_id,
        "valid_from": "2018-01-01",
        "valid_to": None,
        "head_school_code": None,
    }


def wire_figure(figure: Figure) -> dict[str, Any]:
    share = figure.share
    return {
        "indicator": figure.indicator,
        "split": figure.split,
        "value": None if share is None else round(float(share), 6),
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "visits": figure.visits,
        "schools": figure.schools,
        "interval": figure.interval,
        "n_eff": figure.n_eff,
        "state": figure.state,
        "reliable": figure.reliable,
        "definition": figure.definition,
    }


def wire_set(own: FigureSet) -> dict[str, Any]:
    return {
        "visits": own.visits,
        "schools_visited": own.schools_visited,
        "schools_registered": own.schools_registered,
        "coverage": own.coverage,
        "newest_visit": own.newest_visit.isoformat() if own.newest_visit else None,
        "figures": [wire_figure(figure) for figure in own.figures.values()],
    }


SEAL = "QK27K-FKYUT-Z5KTS-C4VCW-VMT3D-U3DIR-ZEDLJ-XTSA"


class FakeServices:
    """Answers as the services would; counts what it is asked and can be changed or switched off."""

    def __init__(self) -> None:
        self.version = "v1"
        self.targets: list[dict[str, Any]] = [
            {
                "indicator": "student_attendance",
                "split": None,
                "unit_id": "PK-BA",
                "from": "2018-01-01",
                "to": "2020-12-31",
                "baseline": 0.7,
                "target": 0.8,
            },
        ]
        self.asked: list[str] = []
        self.away: set[str] = set()
        self.versions_of_children: list[str] = []

    def client(self, service: str) -> httpx.AsyncClient:
        def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(request.url.path)
            if service in self.away:
                raise httpx.ConnectError("away")
            return self.ingest(request) if service == "ingest" else self.indicators(request)

        return httpx.AsyncClient(
            transport=httpx.MockTransport(answer), base_url="http://rtsm.internal"
        )

    def ingest(self, request: httpx.Request) -> httpx.Response:
        etag = f'"{len(self.targets)}"'
        if request.headers.get("if-none-match") == etag:
            return httpx.Response(304, headers={"etag": etag})
        return httpx.Response(200, json={"targets": self.targets}, headers={"etag": etag})

    def indicators(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path)
        params = request.url.params
        if path == "/v1/figures/version":
            return httpx.Response(200, json=self.fresh())
        if path == "/v1/indicators":
            return httpx.Response(200, json={"indicators": catalogue()})
        if path == "/v1/units":
            return httpx.Response(200, json={"units": self.found(params)})
        unit_id, _, rest = path.removeprefix("/v1/units/").partition("/")
        if unit_id not in CHAINS:
            problem = {"type": "/problems/not_found", "detail": "There is no such unit."}
            return httpx.Response(404, json=problem)
        return httpx.Response(200, json=self.of_unit(unit_id, rest, params))

    def fresh(self) -> dict[str, Any]:
        return {
            "as_of": "2019-06-03T04:12:33.000000Z",
            "lag_seconds": 0.4,
            "version": self.version,
        }

    def found(self, params: httpx.QueryParams) -> list[dict[str, Any]]:
        part, level = params.get("q", "").casefold(), params.get("level")
        return [
            a_unit(chain[0])
            for chain in CHAINS.values()
            if part in chain[0].name.casefold() and level in {None, chain[0].level}
        ]

    def of_unit(self, unit_id: str, rest: str, params: httpx.QueryParams) -> dict[str, Any]:
        own, *above = CHAINS[unit_id]
        if not rest:
            versions = [{k: v for k, v in a_unit(own).items() if k != "unit_id"}]
            return a_unit(own) | {"chain": [named(place) for place in above], "versions": versions}
        if rest == "children":
            return {"unit": unit_id, "children": [a_unit(p) for p in BELOW.get(unit_id, ())]}
        window = self.fresh() | {
            "unit": own.unit_id,
            **{k: v for k, v in named(own).items() if k != "unit_id"},
            "period": params["period"],
            "first": "2018-01-01",
            "last": "2019-05-31",
            "state_on": "2019-05-31",
            "view": params.get("view", "as_was"),
            "known_at": params.get("known_at"),
            "resemblance": None,
        }
        if rest == "figures":
            return window | wire_set(b.figures_of(own, seed=2)) | {"seal": None}
        if rest == "change":
            return window | {
                "against": "2016-08..2017-12",
                "not_by_school": None,
                "changes": changes_of(own),
            }
        if rest == "series":
            return window | {"by": params["by"], "series": [step(m) for m in b.months()]}
        if self.versions_of_children:
            window["version"] = self.versions_of_children.pop(0)
        below = [
            named(p) | {"parent_id": unit_id} | wire_set(b.figures_of(p, schools=12))
            for p in BELOW.get(unit_id, ())
        ]
        seal = SEAL if params.get("seal") == "true" else None
        return window | wire_set(b.figures_of(own)) | {"children": below, "seal": seal}


def changes_of(own: Place) -> list[dict[str, Any]]:
    """The totals' changes: two thirds by the same schools, the rest by having others."""
    now, then = b.figures_of(own).figures, b.figures_of(own, seed=2).figures
    rows = []
    for (code, split), figure in now.items():
        before = then[code, split].share
        if split is None and figure.share is not None and before is not None:
            moved = round(float(figure.share), 6) - round(float(before), 6)
            same = round(moved * 2 / 3, 6)
            rest = {"same_schools": same, "composition": round(moved - same, 6)}
            rows.append({"indicator": code, "split": None, "schools_in_both": 9, **rest})
    return rows


def step(month: str) -> dict[str, Any]:
    own = b.figures_of(b.DISTRICT, seed=int(month[-2:]))
    return {
        "period": month,
        "first": f"{month}-01",
        "last": f"{month}-28",
        "state_on": f"{month}-28",
    } | wire_set(own)


def catalogue() -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "labels": {"en": code, "ur": code},
            "numerator": "",
            "denominator": "",
            "unit": "share",
            "basis": row.basis,
            "direction": row.direction,
            "splits": [],
            "definition": 1,
        }
        for code, row in b.CATALOGUE.items()
    ]


def dumps(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


def a_record(number: int, **data: Any) -> Record:
    """A register event as the feed brings it."""
    event = Event(
        topic="rtsm.registry",
        type="rtsm.unit.changed.v1",
        key="k",
        subject="s",
        time=0,
        recorded=0,
        data=json.dumps({"version": number, "recorded_at": "2018-01-01T00:00:00Z"} | data).encode(),
    )
    return Record("0", number, event)


def register_events(chains: Mapping[str, tuple[Place, ...]]) -> list[Record]:
    """The register that the fake indicators answers from, as events."""
    return [
        a_record(number, unit=a_unit(chain[0]) | {"aliases": [f"alias of {chain[0].name}"]})
        for number, chain in enumerate(chains.values(), start=1)
    ]
