"""Draws the made-up register: sizes, kinds, places, points and dated changes of the schools.

Pure: the same seed gives the same register. What a register is, is `demo.register`'s.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from demo.names import Area, Place, read_areas, read_places, school_name
from demo.register import (
    BOYS,
    DAYS,
    GENDERS,
    GIRLS,
    HIGH,
    MIDDLE,
    MIXED,
    PRIMARY,
    SEED,
    Change,
    Cluster,
    Flags,
    Floats,
    Ints,
    Register,
    stream,
)

_CLOSED, _MERGED, _MOVED, _MOVED_FAR, _UPGRADED, _STOPPED = 48, 12, 44, 4, 20, 12
_LATE = 30  # schools that are visited before they are registered


def build(seed: int = SEED) -> Register:
    """Return the register of that seed: 14,000 schools in 1,004 clusters of 32 districts."""
    areas = read_areas()
    districts = [area for area in areas if area.level == "district"]
    rng = stream(seed, 1)
    cluster = _cluster_of_schools(districts, rng)
    size = len(cluster)
    district = np.repeat(
        np.arange(len(districts), dtype=np.int32), [area.schools for area in districts]
    )
    head = np.flatnonzero(np.diff(cluster, prepend=-1))
    level, gender = _kinds(districts, district, cluster, head, rng)
    winter = np.array([area.winter_percent for area in districts])[district[head]] / 100
    cluster_zone = (rng.random(len(head)) < winter).astype(np.int32)
    lat, lon, remoteness = _points(districts, district, cluster, head, rng)
    places = _places(districts, district, rng)
    clusters = [
        Cluster(
            unit_id=f"{districts[district[first]].unit_id}-C{number:03d}",
            district=int(district[first]),
            place=places[first],
            zone=int(cluster_zone[index]),
            head=int(first),
        )
        for index, (first, number) in enumerate(
            zip(head.tolist(), _numbers_in_district(district[head]), strict=True)
        )
    ]
    idle_share = np.clip(rng.normal(0.025, 0.012, len(districts)), 0.004, 0.06)
    idle = (level == PRIMARY) & (rng.random(size) < idle_share[district])
    registered_on = np.full(size, -1, dtype=np.int32)
    changes, closed_from = _changes(
        clusters, cluster, level, gender, places, idle, registered_on, rng
    )
    return Register(
        areas=areas,
        districts=districts,
        clusters=clusters,
        places=places,
        code=_codes(district),
        cluster=cluster,
        district=district,
        level=level,
        gender=gender,
        zone=cluster_zone[cluster],
        lat=lat,
        lon=lon,
        remoteness=remoteness,
        idle=idle,
        closed_from=closed_from,
        registered_on=registered_on,
        changes=changes,
    )


def _cluster_of_schools(districts: list[Area], rng: Generator) -> Ints:
    """Deal each district's schools out to its clusters, unevenly, at least five to each."""
    parts, first = [], 0
    for area in districts:
        weights = rng.gamma(12.0, 1.0, area.clusters)
        extra = rng.multinomial(area.schools - 5 * area.clusters, weights / weights.sum())
        parts.append(np.repeat(np.arange(first, first + area.clusters), 5 + extra))
        first += area.clusters
    return np.concatenate(parts).astype(np.int32)


def _numbers_in_district(district: Ints) -> list[int]:
    """Number the clusters of each district from 1."""
    starts = np.searchsorted(district, district)
    return [int(number) for number in np.arange(len(district)) - starts + 1]


def _kinds(
    districts: list[Area], district: Ints, cluster: Ints, head: NDArray[np.intp], rng: Generator
) -> tuple[Ints, Ints]:
    """Return level and gender of every school; the first school of a cluster is its high school."""
    size = len(cluster)
    town = np.array([area.schools / area.clusters < 12.5 for area in districts])[district]
    draw = rng.random(size)
    level = np.full(size, PRIMARY, dtype=np.int32)
    level[draw < np.where(town, 0.16, 0.09)] = MIDDLE
    level[draw < np.where(town, 0.05, 0.004)] = HIGH
    level[head] = HIGH
    draw = rng.random(size)
    gender = np.full(size, BOYS, dtype=np.int32)
    gender[draw < 0.42] = GIRLS
    gender[draw < 0.13] = MIXED
    gender[head] = np.where(rng.random(len(head)) < 0.34, GIRLS, BOYS)
    return level, gender


def _points(
    districts: list[Area], district: Ints, cluster: Ints, head: NDArray[np.intp], rng: Generator
) -> tuple[Floats, Floats, Floats]:
    """Scatter clusters about their district and schools about their cluster, in degrees."""
    spread = np.array([area.spread_degrees for area in districts])
    middle = np.array([(area.lat, area.lon) for area in districts])[district[head]]
    away = np.clip(rng.normal(0.0, 0.5, (len(head), 2)), -1.2, 1.2) * spread[district[head], None]
    near = np.clip(rng.normal(0.0, 0.03, (len(cluster), 2)), -0.08, 0.08)
    near[head] = 0.0
    point = (middle + away)[cluster] + near
    far = np.hypot(away[:, 0], away[:, 1]) / spread[district[head]]
    remoteness = np.clip(far[cluster] * 0.45 + rng.random(len(cluster)) * 0.5, 0.0, 1.0)
    return point[:, 0], point[:, 1], remoteness


def _places(districts: list[Area], district: Ints, rng: Generator) -> list[Place]:
    """Name the places; a second school of the same name in a district is `No. 2`."""
    words = {area.places: read_places(area.places) for area in districts}
    draws = rng.random(len(district)).tolist()
    seen: dict[tuple[int, str], int] = {}
    places: list[Place] = []
    for school, number in enumerate(district.tolist()):
        choice = words[districts[number].places]
        place = choice[int(draws[school] * len(choice))]
        count = seen[number, place.en] = seen.get((number, place.en), 0) + 1
        if count > 1:
            place = Place(f"{place.en} No. {count}", f"{place.ur} نمبر {count}")
        places.append(place)
    return places


def _codes(district: Ints) -> Ints:
    """Give each district a block of codes that starts just after a multiple of 500."""
    codes = np.empty(len(district), dtype=np.int32)
    start = 1000
    for number in range(int(district[-1]) + 1):
        members = np.flatnonzero(district == number)
        codes[members] = start + 1 + np.arange(len(members))
        start = -(-(start + len(members) + 1) // 500) * 500
    return codes


def _changes(
    clusters: list[Cluster],
    cluster: Ints,
    level: Ints,
    gender: Ints,
    places: list[Place],
    idle: Flags,
    registered_on: Ints,
    rng: Generator,
) -> tuple[list[Change], Ints]:
    """Draw the dated changes, each of another school that heads no cluster.

    Returns the changes in the order they become known, and the closing days; sets
    `registered_on` of the schools that are registered late.
    """
    heads = {one.head for one in clusters}
    ordinary = [one for one in range(len(cluster)) if level[one] == PRIMARY and one not in heads]
    counts = (_CLOSED, _MERGED, _MOVED, _MOVED_FAR, _UPGRADED, _STOPPED, _LATE)
    chosen = rng.choice(np.array(ordinary), size=sum(counts), replace=False).tolist()
    closed_from = np.full(len(cluster), DAYS, dtype=np.int32)
    changes: list[Change] = []
    for kind, count in enumerate(counts):
        for _ in range(count):
            school = chosen.pop()
            since = int(rng.integers(70, DAYS - 50))
            known = since + int(rng.choice([0, 3, 10, 35], p=[0.35, 0.35, 0.2, 0.1]))
            if kind == 6:
                registered_on[school] = known
                idle[school] = False
                continue
            if kind < 2:
                closed_from[school] = since
            own = clusters[cluster[school]]
            fields = _fields(kind, school, own, clusters, int(gender[school]), places, rng)
            changes.append(Change(school, since, known, tuple(fields.items())))
    changes.sort(key=lambda change: (change.known, change.school))
    return changes, closed_from


def _fields(
    kind: int,
    school: int,
    own: Cluster,
    clusters: list[Cluster],
    gender: int,
    places: list[Place],
    rng: Generator,
) -> dict[str, object]:
    """Return what a change of that kind changes in a school's record."""
    if kind < 2:
        return {"status": "closed" if kind == 0 else "merged"}
    if kind == 4:
        name = school_name(places[school], GENDERS[gender], "middle")
        return {"level": "middle", "name": name.en, "attributes": {"name_ur": name.ur}}
    if kind == 5:
        return {"status": "non_functional"}
    same = kind == 2
    others = [
        one
        for one in clusters
        if (one.district == own.district) is same and one.unit_id != own.unit_id
    ]
    return {"unit_id": others[int(rng.integers(len(others)))].unit_id}
