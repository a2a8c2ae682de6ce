"""What KoboToolbox's API v2 is asked: submissions by their numbers, new ones by time of submission.

Owns addresses and parameters. An edit keeps its number and its time of submission, a deletion
leaves no trace: both are found by complete readings.
"""

import json
import re
from datetime import datetime, timedelta
from urllib.parse import quote

from services.ingest.adapters.cursors import Pass
from services.ingest.adapters.declared import Adapter
from services.ingest.adapters.pages import Page

ROWS = 250
_OVERLAP = timedelta(hours=1)
_NUMBER = re.compile(rb'"_id"\s*:\s*([0-9]{1,18})')
_SENT = re.compile(rb'"_submission_time"\s*:\s*"([0-9T:.+-]{19,35})"')


def request(adapter: Adapter, form: str, at: Pass) -> tuple[str, dict[str, str]]:
    """The address and parameters of the next page of a pass."""
    del adapter
    query: dict[str, object] = {"_id": {"$gt": int(at.place or "0")}}
    if at.mode == "new" and at.since:
        query["_submission_time"] = {"$gte": at.since}
    return f"/api/v2/assets/{quote(form)}/data/", {
        "format": "json",
        "limit": str(ROWS),
        "sort": json.dumps({"_id": 1}),
        "query": json.dumps(query),
    }


def advance(at: Pass, page: Page) -> bool:
    """Move a pass behind a page; whether another page follows."""
    numbers = [int(found[1]) for row in page.rows if (found := _NUMBER.search(row))]
    before = int(at.place or "0")
    at.place = str(max([before, *numbers]))
    times = [found[1].decode() for row in page.rows if (found := _SENT.search(row))]
    at.high = max([at.high, *(time[:19] for time in times)])
    return page.next is not None and max([before, *numbers]) > before


def begin_after(high: str) -> str:
    """From which time of submission the next pass reads, given the latest seen."""
    if not high:
        return ""
    return (datetime.fromisoformat(high) - _OVERLAP).isoformat(timespec="seconds")
