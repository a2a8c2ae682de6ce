"""Examples of what partners send and are answered, for the OpenAPI document.

Owns examples only; nothing here is consulted when a request comes in.
"""

from typing import Any

from services.ingest.adapters.xlsform import MEDIA_TYPE

Document = dict[str, Any]
Good = dict[int, tuple[str, Any]]

_ID = "e58da38d-3eee-4bd7-8512-4a97ea8fbb01"
KOBO: Document = {
    "_id": 124961136,
    "meta/instanceID": f"uuid:{_ID}",
    "meta/rootUuid": f"uuid:{_ID}",
    "_submission_time": "2018-03-05T05:30:00",
    "school_code": "01001",
    "visited_at": "2018-03-05T09:40:00.000+05:00",
    "status": "open",
    "students/students_boys/students_boys_enrolled": "64",
    "students/students_boys/students_boys_present": "47",
}
ADAPTER_IN: Document = {
    "kind": "kobo",
    "source": "pmc-tablets",
    "url": "https://kobo.example.org",
    "login": {"token": "0123456789abcdef"},
    "forms": [{"form": "aXyZ123"}],
}
_STATE: Document = {
    "form": "aXyZ123",
    "submissions": {"waiting": 0, "applied": 412, "unapplied": 3, "gone": 1},
    "reading": None,
    "seen": 0,
    "expected": None,
    "finished_at": "2018-03-05T06:12:44.017212Z",
    "failures": 0,
    "error": None,
}
_ADAPTER_OUT: Document = {
    "adapter": "pmc-kobo",
    "kind": "kobo",
    "source": "pmc-tablets",
    "url": "https://kobo.example.org",
    "login": True,
    "forms": [{"form": "aXyZ123"}],
    "changed_at": "2018-03-05T06:12:44.017212Z",
    "state": [_STATE],
}
_SUBMISSION: Document = {
    "form": "aXyZ123",
    "submission": _ID,
    "state": "unapplied",
    "visit_id": None,
    "reasons": [
        {
            "pointer": "/students/boys/present",
            "code": "present_exceeds_enrolled",
            "detail": "More pupils are present than enrolled.",
        }
    ],
    "excluded": None,
    "deleted": False,
    "received_at": "2018-03-05T06:12:44.017212Z",
    "changed_at": "2018-03-05T06:12:44.017212Z",
}
_PAYLOAD: Document = {
    "received_at": "2018-03-05T06:12:44.017212Z",
    "channel": "hook",
    "media": "application/json",
    "payload": "{…}",
}
_HOOKED: Document = {
    "adapter": "pmc-kobo",
    "form": "aXyZ123",
    "submission": _ID,
    "received": "stored",
    "state": "waiting",
}
REHEARSAL_IN: Document = {"submissions": [KOBO]}

HOOKED: Good = {
    200: ("Known already", _HOOKED | {"received": "known", "state": "applied"}),
    201: ("Stored, as a telephone's form; it is applied at once", _HOOKED),
    202: ("Stored; it is applied at once", _HOOKED),
}
ADAPTER: Good = {200: ("The partner", _ADAPTER_OUT)}
ADAPTERS: Good = {200: ("The partners", {"adapters": [_ADAPTER_OUT]})}
SUBMISSION: Good = {200: ("The submission", _SUBMISSION | {"payloads": [_PAYLOAD]})}
SUBMISSIONS: Good = {200: ("A page", {"submissions": [_SUBMISSION]})}
RETRIED: Good = {202: ("It is applied again", {"submission": _ID, "state": "waiting"})}
POLLED: Good = {200: ("Through", _ADAPTER_OUT), 202: ("Under way", _ADAPTER_OUT)}
REHEARSED: Good = {
    200: (
        "What would become of them",
        {
            "form": "aXyZ123",
            "good": 1,
            "bad": 0,
            "unmapped": ["today"],
            "never_answered": [],
            "submissions": [{"index": 0, "submission": _ID, "visit": {}, "errors": []}],
        },
    )
}
WORKBOOK: dict[int | str, Document] = {
    200: {
        "description": "The spreadsheet",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_ANYTHING: Document = {"type": "object"}
HOOK_BODY: Document = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _ANYTHING, "example": KOBO},
            "text/xml": {"schema": {"type": "string"}},
            "application/xml": {"schema": {"type": "string"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["xml_submission_file"],
                    "properties": {"xml_submission_file": {"type": "string"}},
                }
            },
        },
    }
}
