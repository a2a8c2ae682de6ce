"""The integer measures of a visit: names, order, stock groups, answer bits (04 §1).

Owns the layout of flow rows, stock rows and masks, which storage and readers share, and the
measures that are derived from them when read. How a form fills a row is `form`'s; columns by school
gender are named here and filled by `contributions`. Changing an order here makes every stored row
unreadable: it needs a rebuild. Pure.
"""

from collections.abc import Mapping

GENDERS = ("boys", "girls", "mixed")
"""School genders with columns of their own; a school's gender code is its place here, 3 if none."""
UNKNOWN_GENDER = 3

POSTS = (
    "deo",
    "ddeo",
    "adeo",
    "cluster_head",
    "learning_coordinator",
    "rtsm_monitor",
    "other",
)
KINDS = ("routine", "follow_up", "spot")
"""Visit types that count; a verification visit enters nothing."""
TOILETS = ("boys", "girls", "shared", "staff")
PEOPLE = (
    ("students", ("boys", "girls", "unspecified"), "enrolled"),
    ("teachers", ("male", "female", "unspecified"), "posted"),
    ("non_teaching", ("male", "female", "unspecified"), "posted"),
)
PROCUREMENT = ("attended", "invited_absent", "not_invited")


def _flow_names() -> tuple[str, ...]:
    names = ["visits", *(f"visits_{kind}" for kind in KINDS)]
    for people, splits, whole in PEOPLE:
        for split in splits:
            names += [f"{people}_{split}_{part}" for part in ("present", whole, "answered")]
        names.append(f"{people}_answered")
    names += ["teachers_on_leave", "teachers_on_duty", "teachers_absent", "closed_staff_posted"]
    names += ["official_yes", "official_answered"]
    for post in POSTS:
        names += [f"official_{post}_yes", f"official_{post}_answered"]
    names += ["environment_yes", "environment_items", "environment_answered"]
    names.append("environment_visits_80")
    for gender in GENDERS:
        names += [f"environment_{gender}_{part}" for part in ("yes", "items", "answered")]
    return tuple(names)


def _stock_names() -> tuple[str, ...]:
    names = ["registered", "known", "status_open", "status_answered"]
    names += ["rooms_usable", "rooms_available", "rooms_answered"]
    for gender in GENDERS:
        names += [f"rooms_{gender}_{part}" for part in ("usable", "available", "answered")]
    for kind in TOILETS:
        names += [f"toilets_{kind}_{part}" for part in ("usable", "available", "answered")]
    names += ["toilets_answered", "no_toilet", "no_toilet_answered"]
    names += ["club_yes", "club_answered"]
    names += [*(f"procurement_{word}" for word in PROCUREMENT), "procurement_answered"]
    return tuple(names)


FLOW = _flow_names()
"""Names of the flow measures, in the order of every flow row."""
STOCK = _stock_names()
"""Names of the stock measures, in the order of every stock row."""
F = {name: place for place, name in enumerate(FLOW)}
S = {name: place for place, name in enumerate(STOCK)}

GROUPS = ("status", "rooms", "toilets", "clubs", "procurement", "known")
"""Stock groups; group g has bit 1 << place. Every counted visit answers `known`."""
STATUS, ROOMS, TOILET, CLUBS, PROCURE, KNOWN = (1 << place for place in range(len(GROUPS)))
ALL_GROUPS = (1 << len(GROUPS)) - 1
GROUP_COLUMNS: dict[str, tuple[int, ...]] = {
    "status": (S["status_open"], S["status_answered"]),
    "rooms": tuple(S[name] for name in STOCK if name.startswith("rooms_")),
    "toilets": tuple(S[n] for n in STOCK if n.startswith(("toilets_", "no_toilet"))),
    "clubs": (S["club_yes"], S["club_answered"]),
    "procurement": tuple(S[name] for name in STOCK if name.startswith("procurement_")),
    "known": (S["known"],),
}
"""Columns of STOCK that stand and cease together; `registered` comes from the register alone."""

ANSWERED = (
    "visits",
    *(name for name in FLOW if name.startswith("visits_")),
    *(name for name in FLOW if name.endswith("_answered")),
)
"""Flow columns that are 0 or 1 per visit, in the order of the bits of its mask; bit 0 = visits."""
BIT = {name: 1 << place for place, name in enumerate(ANSWERED)}
ENVIRONMENT_BITS = tuple(BIT[f"environment_{gender}_answered"] for gender in GENDERS)
"""Mask bits by school gender, added by `contributions` when ENVIRONMENT is set."""
ENVIRONMENT = BIT["environment_answered"]
ENVIRONMENT_PLACE = F["environment_yes"]
ENVIRONMENT_PLACES = tuple(F[f"environment_{gender}_yes"] for gender in GENDERS)
"""Where (yes, items, answered) begin: for all schools, and by school gender."""
ROOMS_PLACE = S["rooms_usable"]
ROOMS_PLACES = tuple(S[f"rooms_{gender}_usable"] for gender in GENDERS)
"""Where (usable, available, answered) begin: for all schools, and by school gender."""


UNSPECIFIED = "unspecified"
"""The word of a part that nobody named: the visits and schools that the other words leave."""


def _rest() -> dict[str, tuple[str, ...]]:
    """What no word of an open split holds: the whole less all of its words."""
    rest = {"visits_unspecified": ("visits", *(f"-visits_{kind}" for kind in KINDS))}
    for family, words, halves in (
        ("official", POSTS, ("yes", "answered")),
        ("environment", GENDERS, ("yes", "items", "answered")),
        ("rooms", GENDERS, ("usable", "available", "answered")),
    ):
        for half in halves:
            parts = (f"-{family}_{word}_{half}" for word in words)
            rest[f"{family}_{UNSPECIFIED}_{half}"] = (f"{family}_{half}", *parts)
    return rest


DERIVED: Mapping[str, tuple[str, ...]] = _rest()
"""Measures that are not stored: each is a sum of stored ones, a minus before what it takes away."""

LEFT_OVER: Mapping[str, tuple[int, int]] = {
    "visits_unspecified": (BIT["visits"], sum(BIT[f"visits_{kind}"] for kind in KINDS)),
    "official_unspecified_answered": (
        BIT["official_answered"],
        sum(BIT[f"official_{post}_answered"] for post in POSTS),
    ),
    "environment_unspecified_answered": (ENVIRONMENT, sum(ENVIRONMENT_BITS)),
}
"""Derived answers of a visit: its mask has the first bit and none of the others."""
SEEN = (*ANSWERED, *LEFT_OVER)
"""All flow answers that distinct schools can be counted of, stored bits first."""
