"""What ODK Central's OData is asked: rows that came or changed since, deletions, everything.

Owns addresses and parameters. Pages are followed by the server's own link, for its rows come newest
first and counting from the top would miss some; the overlap covers what was still being written.
"""

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

from services.ingest.adapters.cursors import Pass
from services.ingest.adapters.declared import Adapter
from services.ingest.adapters.pages import Page
from services.ingest.adapters.partner_http import PartnerError

ROWS = 250
_OVERLAP = timedelta(minutes=15)
_TIMES = re.compile(
    rb'"(?:submissionDate|updatedAt|deletedAt)"\s*:\s*"([0-9-]{10}T[0-9:]{8}(?:\.[0-9]+)?)Z?"'
)


def request(adapter: Adapter, form: str, at: Pass) -> tuple[str, dict[str, str]]:
    """The address and parameters of the next page of a pass; raises PartnerError."""
    path = f"/v1/projects/{adapter.config.project}/forms/{quote(form, safe='')}.svc/Submissions"
    if at.place:
        return path, dict(parse_qsl(at.place, keep_blank_values=True))
    asked = {"$top": str(ROWS), "$count": "true", "$expand": "*"}
    if at.mode == "deleted":
        since = f"ge {at.since}" if at.since else "ne null"
        asked["$filter"] = f"__system/deletedAt {since}"
    elif at.mode == "new" and at.since:
        asked["$filter"] = (
            f"__system/submissionDate ge {at.since} or __system/updatedAt ge {at.since}"
        )
    return path, asked


def advance(at: Pass, page: Page) -> bool:
    """Move a pass behind a page; whether another page follows; raises PartnerError."""
    times = [found.decode() for row in page.rows for found in _TIMES.findall(row)]
    at.high = max([at.high, *(time[:19] for time in times)])
    if page.next is None:
        return False
    # Of the link only its parameters are taken: whose server is asked, we decide.
    query = urlsplit(page.next).query
    if not query or query == at.place or not page.rows:
        raise PartnerError("partner_nonsense", "The link to the next page leads nowhere.", 200)
    at.place = query
    return True


def begin_after(high: str) -> str:
    """From which time on the next pass reads, given the latest seen."""
    if not high:
        return ""
    return (datetime.fromisoformat(high) - _OVERLAP).isoformat(timespec="seconds") + "Z"
