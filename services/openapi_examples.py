"""Examples for calls that bring none of their own: parameters by name, bodies and answers by call.

Owns examples only; longer answers stand beside it in `openapi_answers.json`. A test sends each to a
real server, so that what stands here is true.
"""

import json
from pathlib import Path
from typing import Any

NAMES = {
    "all_changes": "get_all_changes",
    "all_series": "get_all_series",
    "behind": "get_evidence",
    "card_of": "get_card",
    "bulk_figures": "read_figures",
    "bulk_visits": "read_visits",
    "change": "get_change",
    "check": "check_seal",
    "children": "get_children",
    "children_figures": "get_children_figures",
    "figures": "get_figures",
    "follow": "get_stream",
    "indicators": "list_indicators",
    "lists": "get_lists",
    "live": "get_live",
    "one_list": "get_list",
    "ranked": "rank_children",
    "ready": "get_ready",
    "receipt": "take_receipt",
    "resemblance": "get_resemblance",
    "schools": "get_unit_schools",
    "search": "search_units",
    "series": "get_series",
    "unit": "get_unit",
    "version": "get_figures_version",
}
"""Names of calls whose functions say less than a partner's generated client should."""

PARAMETERS: dict[str, Any] = {
    "unit_id": "PK-BA-QTA",
    "get_history.unit_id": "PK-BA-QTA",
    "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f",
    "indicator": "student_attendance",
    "period": "2018",
    "view": "as_was",
    "name": "Quetta",
    "put_mapping.name": "pmc-sheet",
    "get_mapping.name": "pmc-sheet",
    "q": "Quetta",
    "list_name": "no_toilet",
    "level": "district",
    "rule_id": "students-low",
    "post": "DEO",
    "unit": "PK-BA-QTA",
    "on": "2018-03-05",
    "get_change.against": "2017",
    "against": "2017",
    "by": "month",
    "lang": "en",
    "adapter": "kobo-quetta",
    "form": "aXyZ123",
    "submission": "e58da38d-3eee-4bd7-8512-4a97ea8fbb01",
    "kind": "schools",
    "get_changes.kind": "school",
    "key_id": "1f3a5c7e9b0d",
    "import_id": "6a0f9f0e-8d0f-4f7e-9d3b-2f6a0c1d4e5f",
    "alert_id": "fd5c92b4-5728-441f-8a49-df29d19524b8",
    "message_id": "0b2f3a44-6f0b-4a54-9d0c-f3c9a2b1d7e8",
    "token": "kR3v9wQ2",
    "if-match": '"1"',
    "reason": "recorded twice",
    "get_stream.unit": ["PK-BA-QTA"],
    "seconds": "0",
    "get_stream.since": "12-4711-4711.5f2c.17595.0",
    "check_seal.seal": "QK27K-FKYUT-Z5KTS-C4VCW-VMT3D-U3DIR-ZEDLJ-XTSA",
    "check_seal.known_at": "2019-06-03T04:00:00.000000Z",
}
_RULE = {
    "rule_id": "students-low",
    "indicator": "student_attendance",
    "level": "district",
    "window": "last-28-days",
    "below": 0.7,
    "recover_above": 0.73,
    "min_visits": 8,
    "min_schools": 5,
    "severity": "warning",
    "posts": ["DEO"],
}
_OFFICER = {
    "officer_id": "deo-quetta",
    "name": "Abdul Karim",
    "post": "DEO",
    "language": "ur",
    "email": "deo.quetta@example.org",
    "phone": "+923001234567",
    "channels": ["sms", "email"],
    "postings": [{"unit_id": "PK-BA-QTA", "from": "2018-01-01", "to": None}],
}
_IF_MATCH: dict[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The revision that is meant, in quotes; 412 when the visit is at another.",
    "example": '"1"',
}
HEADERS: dict[str, dict[str, Any]] = {
    "put_visit": _IF_MATCH | {"required": True},
    "delete_visit": _IF_MATCH | {"required": False},
}
"""Headers that a call reads by itself, by call."""

ALSO = {"get_report": ("text/csv; charset=utf-8",)}
"""Types of good answers beside those a call declares, by call."""

BODIES: dict[str, Any] = {
    "create_key": {"name": "pmc-tablets", "scopes": ["visits:write", "visits:read"], "days": 180},
    "rotate_key": {"overlap_hours": 24},
    "expire_key": {"at": "2029-01-01T00:00:00Z"},
    "put_rules": [_RULE],
    "put_officers": [_OFFICER],
    "acknowledge": {"note": "The road is closed by snow; I visit on Monday."},
}
_MASKED = _OFFICER | {"email": "d•••@example.org", "phone": "+92•••••4567"}
_HELD = {"unit_id": "PK-BA-QTA", "from": "2018-01-01", "to": None}
_ANSWERS: dict[str, Any] = {
    "get_openapi": {"openapi": "3.1.0", "info": {"title": "RTSM", "version": "1"}, "paths": {}},
    "get_asyncapi": {"asyncapi": "3.0.0", "info": {"title": "RTSM events", "version": "1"}},
    "get_live": {"status": "live"},
    "get_ready": {
        "status": "ready",
        "services": ["ingest", "indicators", "reports", "notify"],
        "missing": {},
    },
    "put_rules": {"rules": [_RULE | {"version": 1}]},
    "get_rules": {"rules": [_RULE | {"version": 1}]},
    "get_rule": _RULE | {"version": 1, "versions": [_RULE | {"version": 1}]},
    "put_officers": {"officers": [_MASKED], "stored": 1, "changed": 1},
    "get_officers": {
        "on": "2018-03-05",
        "officers": [_MASKED | {"holding": {"post": "DEO", "acting": False} | _HELD}],
    },
    "get_vacancies": {
        "on": "2018-03-05",
        "vacancies": [
            {
                "unit_id": "PK-BA-KLT",
                "post": "DEO",
                "vacant_since": "2018-03-01",
                "filled_from": "2018-04-01",
                "acting": [{"officer_id": "adeo-kalat", "name": "Hamid Ali"}],
            }
        ],
    },
}


def answers() -> dict[str, Any]:
    """Examples of good answers by call; those in the file were given by a server."""
    given: dict[str, Any] = json.loads(
        Path(__file__).with_name("openapi_answers.json").read_text(encoding="utf-8")
    )
    return given | _ANSWERS
