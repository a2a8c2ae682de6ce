"""What the demonstration sets beside the register: targets, officers and alert rules.

Owns the bodies for `PUT /v1/targets`, `/v1/officers` and `/v1/rules`. The officers are made up:
their addresses are of a reserved domain and their numbers of a prefix that is not in use.
"""

from typing import Any

from demo.register import Register

Body = dict[str, Any]

_PROVINCE = "PK-BA"
_TARGETS = {  # indicator -> baseline of 2017, target for 2018 and 2019
    "student_attendance": (0.70, 0.80),
    "teacher_attendance": (0.66, 0.80),
    "non_teaching_attendance": (0.82, 0.90),
    "official_visits": (0.62, 0.80),
    "usable_rooms": (0.80, 0.90),
    "usable_toilets": (0.41, 0.60),
    "learning_environment": (0.30, 0.50),
    "child_clubs": (0.30, 0.60),
    "procurement_participation": (0.25, 0.60),
}
_OWN_TARGETS = {  # a district's own, where it differs from the province's
    "PK-BA-QTA": {"usable_toilets": (0.52, 0.70), "teacher_attendance": (0.72, 0.85)},
    "PK-BA-KEC": {"learning_environment": (0.33, 0.55)},
    "PK-BA-AWN": {"official_visits": (0.45, 0.65)},
}


def targets() -> list[Body]:
    """Return the targets of 2018 and 2019, as fractions."""
    return [
        {
            "indicator": indicator,
            "split": None,
            "unit_id": unit_id,
            "from": "2018-01-01",
            "to": "2019-12-31",
            "baseline": baseline,
            "target": target,
        }
        for unit_id, wanted in ({_PROVINCE: _TARGETS} | _OWN_TARGETS).items()
        for indicator, (baseline, target) in wanted.items()
    ]


def officers(register: Register) -> list[Body]:
    """Return a DEO for every district and the provincial secretary, posted since 2018."""
    people = [
        _officer(number, "DEO", f"District Education Officer {area.name}", area.unit_id)
        for number, area in enumerate(register.districts, start=1)
    ]
    people.append(_officer(90, "SECRETARY", "Secretary Secondary Education", _PROVINCE))
    return people


def _officer(number: int, post: str, name: str, unit_id: str) -> Body:
    """Return one officer; every second one reads Urdu."""
    return {
        "officer_id": f"demo-{number:02d}",
        "name": name,
        "post": post,
        "language": "ur" if number % 2 else "en",
        "email": f"{post.lower()}-{number:02d}@example.org",
        "phone": f"+92379000{number:04d}",
        "channels": ["sms", "email"],
        "postings": [{"unit_id": unit_id, "from": "2018-01-01", "to": None}],
    }


def rules() -> list[Body]:
    """Return the alert rules: three of districts by month, one of clusters by year."""
    return [
        _rule("teachers-district", "teacher_attendance", 0.65, 0.68, "critical"),
        _rule("students-district", "student_attendance", 0.65, 0.68, "warning"),
        _rule("officials-district", "official_visits", 0.50, 0.55, "warning"),
        _rule("toilets-cluster", "usable_toilets", 0.20, 0.25, "warning")
        | {"level": "cluster", "window": "last-365-days", "min_visits": 5},
    ]


def _rule(rule_id: str, indicator: str, below: float, recover_above: float, severity: str) -> Body:
    """Return a rule for districts over 28 days; told to the DEO."""
    return {
        "rule_id": rule_id,
        "indicator": indicator,
        "split": None,
        "level": "district",
        "window": "last-28-days",
        "below": below,
        "recover_above": recover_above,
        "confidence": 0.95,
        "min_visits": 8,
        "min_schools": 5,
        "severity": severity,
        "posts": ["DEO"],
        "enabled": True,
    }
