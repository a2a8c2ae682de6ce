"""Rows of officers on their way to the service that keeps people and how they are reached.

Owns the grouping: a row is an officer at one posting, all rows of an officer are one person with
all postings. Nothing about people is stored here; notify is asked over its own interface.
"""

import re
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from services.ingest.cleaning.faults import Fault
from services.ingest.drafts import Drafter
from services.ingest.imports.applying import Run, Units, breathe
from services.ingest.imports.fixes import fix_of
from services.ingest.imports.refusal import Loss
from services.ingest.imports.rows import Ready
from services.ingest.imports.store import Step
from shared.db.errors import Transient
from shared.errors import FieldError, not_found

_AT_ONCE = 200
_POSTING = re.compile(r"\Apostings(/[0-9]+)?")
_SERVER_ERROR = 500
Person = dict[str, Any]


class NotifyOfficers:
    """Officers as notify lists and takes them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def listed(self) -> list[Person]:
        """All officers with their contacts; raises Transient when notify is away."""
        found: list[Person] = []
        path: str | None = "/v1/officers"
        while path is not None:
            answer = await self._asked("GET", path)
            if answer.status_code != httpx.codes.OK:
                raise Transient(f"officers cannot be read: {answer.status_code}")
            found += answer.json()["officers"]
            path = answer.links.get("next", {}).get("url")
        return found

    async def put(self, people: Sequence[Person]) -> list[FieldError]:
        """Store officers; what is wrong with them (`/index/field`), none of them stored then."""
        answer = await self._asked("PUT", "/v1/officers", json=list(people))
        if answer.status_code == httpx.codes.OK:
            return []
        problem = answer.json()
        errors = [
            FieldError(item["pointer"], item["code"], item["detail"])
            for item in problem.get("errors", ())
        ]
        return errors or [FieldError("/0", "refused", problem.get("detail", "It was refused."))]

    async def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = await self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise Transient(f"notify does not answer: {type(error).__name__}") from error
        if answer.status_code >= _SERVER_ERROR:
            raise Transient(f"notify answers {answer.status_code}")
        return answer


class Officers:
    """Brings officers in, all of a file at once."""

    size = 0

    def __init__(self, notify: NotifyOfficers, drafter: Drafter, units: Units) -> None:
        self._notify = notify
        self._drafter = drafter
        self._units = units

    def seen(self, rows: Sequence[Ready], run: Run) -> None:
        """Nothing to know: a file is applied at once or not at all."""

    def prepare(self, ready: Ready, run: Run) -> None:
        """Nothing to do ahead: a file is applied at once."""

    async def apply(self, rows: Sequence[Ready], run: Run) -> Step:
        """Store the officers that are new or changed."""
        step = Step()
        groups = await self._grouped(rows, run, step)
        known = {
            person["officer_id"]: _comparable(person) for person in await self._notify.listed()
        }
        changed: list[tuple[Person, list[Ready]]] = []
        for person, ready in groups:
            if known.get(person["officer_id"]) == _comparable(person):
                for row in ready:
                    step.add("unchanged", row.losses)
            else:
                changed.append((person, ready))
        for start in range(0, len(changed), _AT_ONCE):
            await self._put(changed[start : start + _AT_ONCE], run, step)
        return step

    async def _grouped(
        self, rows: Sequence[Ready], run: Run, step: Step
    ) -> list[tuple[Person, list[Ready]]]:
        """Persons with their rows; one bad row keeps the whole person out, told with its reason."""
        groups: dict[str, list[Ready]] = {}
        nameless = 0
        for count, ready in enumerate(rows, 1):
            await breathe(count)
            record = ready.record or {}
            officer_id = record.get("officer_id")
            if ready.record is not None:
                await self._place(ready, run)
            if officer_id is None:
                nameless += 1
                officer_id = f"\x1f{nameless}"
            groups.setdefault(str(officer_id), []).append(ready)
        found = []
        for ready_rows in groups.values():
            person = _person(ready_rows)
            if person is not None:
                found.append((person, ready_rows))
                continue
            for ready in ready_rows:
                if not ready.losses:
                    detail = "Another row of the same officer is refused, or says otherwise."
                    fault = Fault("officer_incomplete", detail, "Mend that row.")
                    ready.losses.append(Loss(ready.row, run.plan.label_of("/officer_id"), fault))
                step.add("rejected", ready.losses)
        return found

    async def _place(self, ready: Ready, run: Run) -> None:
        """Settle the unit of a row's posting: it is known, and within the sender's units."""
        record = ready.record
        posting = None if record is None else record.get("posting")
        if record is None or not isinstance(posting, dict) or "unit_id" not in posting:
            return
        record["posting.unit_id"] = posting["unit_id"]
        settled = await self._units.settle(ready, "posting.unit_id", run)
        posting["unit_id"] = record.pop("posting.unit_id")
        units = run.job.caller.units
        if settled and units is not None:
            today = self._units.today()
            if not self._drafter.register.under(posting["unit_id"], units, today):
                problem = not_found("unit")
                label = run.plan.label_of("/posting/unit_id")
                fault = Fault(problem.code, problem.detail, fix_of(problem.code))
                ready.losses.append(Loss(ready.row, label, fault))
                settled = False
        if not settled:
            ready.record = None

    async def _put(self, people: list[tuple[Person, list[Ready]]], run: Run, step: Step) -> None:
        while people and not run.job.dry_run:
            errors = await self._notify.put([person for person, _ in people])
            if not errors:
                break
            found: dict[int, list[FieldError]] = {}
            for error in errors:
                _, index, *rest = error.pointer.split("/")
                pointer = "/" + _POSTING.sub("posting", "/".join(rest))
                found.setdefault(int(index), []).append(
                    FieldError(pointer, error.code, error.detail)
                )
            for place, wrong in found.items():
                for ready in people[place][1]:
                    step.add("rejected", [*ready.losses, *run.plan.losses(ready.row, wrong)])
            people = [pair for index, pair in enumerate(people) if index not in found]
        for _, rows in people:
            for ready in rows:
                step.add("accepted", ready.losses)


def _person(rows: Sequence[Ready]) -> Person | None:
    """The officer whom rows tell of; None when one is refused or they disagree."""
    records = [ready.record for ready in rows]
    if any(record is None for record in records):
        return None
    plain = [
        {key: value for key, value in record.items() if key != "posting"}
        for record in records
        if record is not None
    ]
    if any(other != plain[0] for other in plain[1:]):
        return None
    person: Person = dict(plain[0])
    person.setdefault(
        "channels", [c for c, f in (("sms", "phone"), ("email", "email")) if f in person]
    )
    person["postings"] = [
        record["posting"] for record in records if record is not None and record.get("posting")
    ]
    return person


def _said(posting: Person, person: Person) -> Person:
    """What a posting says; the officer's own post and not acting are what goes without saying."""
    said = {key: value for key, value in posting.items() if value is not None}
    if said.get("post") == person.get("post"):
        said.pop("post", None)
    if not said.get("acting"):
        said.pop("acting", None)
    return said


def _comparable(person: Person) -> bytes:
    """An officer in one spelling: absent and null alike, defaults filled in."""
    kept = {key: value for key, value in person.items() if value not in (None, [], {})}
    kept.setdefault("language", "en")
    kept["postings"] = [_said(posting, person) for posting in person.get("postings", [])]
    return msgspec.json.encode(kept, order="deterministic")
