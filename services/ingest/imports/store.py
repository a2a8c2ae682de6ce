"""Jobs, uploaded files, loss reports and mappings in the database.

Owns their statements and their words on the wire. A job's progress moves by compare-and-set: a
process that was thought dead adds nothing. What a job does is left to `runner`.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.ingest.imports.mappings import Mapping
from services.ingest.imports.refusal import Loss
from shared.access import Principal
from shared.clock import rfc3339
from shared.db.transaction import Tx

COUNTS = ("accepted", "replayed", "quarantined", "unchanged", "rejected")
ENDED = ("finished", "failed", "cancelled")
STATES = ("uploading", "queued", "running", *ENDED)
MOST_FAULTS = 100_000
_COLUMNS = (
    "import_id,kind,state,dry_run,source,caller,mapping_name,mapping,file,digest,bytes,total,done,"
    "accepted,replayed,quarantined,unchanged,rejected,faults,problem,created_at,started_at,"
    "finished_at"
)
Record = dict[str, Any]


@dataclass(slots=True)
class Job:
    """An import as it is stored; instants in microseconds, `caller` who sent it."""

    import_id: str
    kind: str
    state: str
    dry_run: bool
    source: str
    caller: Principal
    mapping_name: str | None
    mapping: Mapping
    file: Record
    digest: str
    bytes: int
    total: int | None
    done: int
    accepted: int
    replayed: int
    quarantined: int
    unchanged: int
    rejected: int
    faults: int
    problem: Record | None
    created_at: int
    started_at: int | None
    finished_at: int | None

    def document(self) -> Record:
        """The job on the wire."""
        return {
            "import_id": self.import_id,
            "kind": self.kind,
            "state": self.state,
            "dry_run": self.dry_run,
            "source": self.source,
            "mapping": self.mapping_name,
            "file": self.file | {"sha256": self.digest, "bytes": self.bytes},
            "rows": self.total,
            "done": self.done,
            **{name: getattr(self, name) for name in COUNTS},
            "reported": self.faults,
            "problem": self.problem,
            "created_at": rfc3339(self.created_at),
            "started_at": None if self.started_at is None else rfc3339(self.started_at),
            "finished_at": None if self.finished_at is None else rfc3339(self.finished_at),
        }


@dataclass
class Step:
    """What a chunk of rows came to."""

    rows: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    losses: list[Loss] = field(default_factory=list)

    def add(self, word: str, losses: Sequence[Loss] = ()) -> None:
        """Count a row."""
        self.rows += 1
        self.counts[word] += 1
        self.losses += losses


def _job(row: Any) -> Job:
    values = list(row)
    values[3] = bool(row[3])
    caller = msgspec.json.decode(row[5])
    units = caller["units"]
    values[5] = Principal(
        caller["key_id"],
        caller["name"],
        caller["source"],
        frozenset(caller["scopes"]),
        None if units is None else frozenset(units),
    )
    values[7] = msgspec.json.decode(row[7], type=Mapping)
    values[8] = msgspec.json.decode(row[8])
    values[19] = None if row[19] is None else msgspec.json.decode(row[19])
    return Job(*values)


def caller_text(caller: Principal) -> str:
    """Who sent a file, as it is kept with the job."""
    return msgspec.json.encode(
        {
            "key_id": caller.key_id,
            "name": caller.name,
            "source": caller.source,
            "scopes": sorted(caller.scopes),
            "units": None if caller.units is None else sorted(caller.units),
        }
    ).decode()


async def create(tx: Tx, job: Job) -> None:
    """Store a new job."""
    values = (
        *(job.import_id, job.kind, job.state, int(job.dry_run), job.source),
        *(caller_text(job.caller), job.mapping_name, _text(job.mapping), _text(job.file)),
        *(job.digest, job.bytes, job.total, job.done, *(0,) * 6, None, job.created_at, None, None),
    )
    await tx.insert_rows("imports", _COLUMNS.split(","), [values])


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def one(tx: Tx, import_id: str) -> Job | None:
    """A job, or None."""
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM imports WHERE import_id = $1", import_id)
    return None if row is None else _job(row)


async def listed(tx: Tx, source: str | None, before: tuple[int, str], limit: int) -> list[Job]:
    """Jobs, newest first, of one source or of all, created before a point."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM imports WHERE (source = $1::text OR $1::text IS NULL) AND "
        "(created_at < $2 OR (created_at = $2 AND import_id < $3)) AND state <> 'uploading' "
        "ORDER BY created_at DESC, import_id DESC LIMIT $4",
        source,
        *before,
        limit,
    )
    return [_job(row) for row in rows]


async def next_job(tx: Tx) -> Job | None:
    """The job that has waited longest, or one that was interrupted."""
    row = await tx.fetch_one(
        f"SELECT {_COLUMNS} FROM imports WHERE state IN ('queued','running') "
        "ORDER BY created_at, import_id LIMIT 1"
    )
    return None if row is None else _job(row)


async def move(tx: Tx, import_id: str, old: Sequence[str], new: str, now: int) -> bool:
    """Change a job's state when it is one of `old`; whether it was."""
    changed = await tx.execute(
        "UPDATE imports SET state = $1::text, "
        "started_at = CASE WHEN $1::text = 'running' AND started_at IS NULL THEN $2::bigint "
        "ELSE started_at END, "
        "finished_at = CASE WHEN $1::text IN ('finished','failed','cancelled') THEN $2::bigint "
        "ELSE finished_at END WHERE import_id = $3 AND state = ANY($4::text[])",
        new,
        now,
        import_id,
        list(old),
    )
    return changed == 1


async def describe(tx: Tx, job: Job, told: Record, total: int) -> None:
    """Keep what reading the file has shown, and how many rows it has."""
    job.file, job.total = job.file | told, total
    await tx.execute(
        "UPDATE imports SET file = $1, total = $2 WHERE import_id = $3",
        _text(job.file),
        total,
        job.import_id,
    )


async def fail(tx: Tx, job: Job, problem: Record, now: int) -> None:
    """End a job with the reason."""
    await tx.execute(
        "UPDATE imports SET state = 'failed', problem = $1, finished_at = $2 "
        "WHERE import_id = $3 AND state IN ('queued','running')",
        _text(problem),
        now,
        job.import_id,
    )


async def advance(tx: Tx, job: Job, step: Step) -> bool:
    """Add a chunk to a job's progress; False when somebody else did, or the job was cancelled."""
    changed = await tx.execute(
        "UPDATE imports SET done = done + $1, accepted = accepted + $2, replayed = replayed + $3, "
        "quarantined = quarantined + $4, unchanged = unchanged + $5, rejected = rejected + $6, "
        "faults = faults + $7 WHERE import_id = $8 AND done = $9 AND faults = $10 "
        "AND state = 'running'",
        step.rows,
        *(step.counts[name] for name in COUNTS),
        len(step.losses),
        job.import_id,
        job.done,
        job.faults,
    )
    if changed != 1:
        return False
    kept = step.losses[: max(MOST_FAULTS - job.faults, 0)]
    await tx.insert_rows(
        "import_faults",
        ("import_id", "number", "file_row", "column_name", "code", "detail", "fix", "effect"),
        [
            (
                *(job.import_id, job.faults + number, loss.row, loss.column),
                *(loss.fault.code, loss.fault.detail, loss.fault.fix, loss.effect),
            )
            for number, loss in enumerate(kept)
        ],
    )
    job.done += step.rows
    job.faults += len(step.losses)
    return True


async def faults(tx: Tx, import_id: str, after: int, limit: int) -> list[Any]:
    """Lines of a loss report: (number, row, column, code, detail, fix, effect)."""
    return await tx.fetch(
        "SELECT number,file_row,column_name,code,detail,fix,effect FROM import_faults "
        "WHERE import_id = $1 AND number > $2 ORDER BY number LIMIT $3",
        import_id,
        after,
        limit,
    )


async def put_piece(tx: Tx, import_id: str, number: int, data: bytes) -> None:
    """Keep a piece of an upload."""
    await tx.insert_rows(
        "import_pieces", ("import_id", "number", "data"), [(import_id, number, data)]
    )


async def pieces(tx: Tx, import_id: str) -> AsyncIterator[bytes]:
    """The uploaded file, piece by piece."""
    number = 0
    while True:
        row = await tx.fetch_one(
            "SELECT data FROM import_pieces WHERE import_id = $1 AND number = $2", import_id, number
        )
        if row is None:
            return
        yield bytes(row[0])
        number += 1


async def drop_pieces(tx: Tx, import_id: str) -> None:
    """Forget an uploaded file."""
    await tx.execute("DELETE FROM import_pieces WHERE import_id = $1", import_id)


async def drop_stale(tx: Tx, before: int) -> None:
    """Forget uploads that were cut off, and files of dry runs, from before an instant."""
    stale = (
        "SELECT import_id FROM imports WHERE created_at < $1 AND "
        "(state = 'uploading' OR (dry_run = 1 AND state IN ('finished','failed','cancelled')))"
    )
    await tx.execute(f"DELETE FROM import_pieces WHERE import_id IN ({stale})", before)
    await tx.execute("DELETE FROM imports WHERE state = 'uploading' AND created_at < $1", before)


async def put_mapping(
    tx: Tx, source: str, name: str, mapping: Mapping, now: int, actor: str
) -> None:
    """Keep a mapping under a name, in the place of the one before."""
    await tx.upsert_rows(
        "mappings",
        ("source", "name"),
        ("source", "name", "data", "recorded_at", "actor"),
        [(source, name, _text(mapping), now, actor)],
    )


async def mapping_named(tx: Tx, source: str, name: str) -> tuple[Mapping, int] | None:
    """A source's mapping of a name and when it was kept, or None."""
    row = await tx.fetch_one(
        "SELECT data, recorded_at FROM mappings WHERE source = $1 AND name = $2", source, name
    )
    return None if row is None else (msgspec.json.decode(row[0], type=Mapping), row[1])


async def mappings(tx: Tx, source: str) -> list[tuple[str, Mapping, int]]:
    """A source's mappings by name."""
    rows = await tx.fetch(
        "SELECT name, data, recorded_at FROM mappings WHERE source = $1 ORDER BY name", source
    )
    return [(row[0], msgspec.json.decode(row[1], type=Mapping), row[2]) for row in rows]


async def drop_pieces_of_ended(tx: Tx, import_id: str) -> None:
    """Forget the file of a job that ended (was cancelled) while it was worked on."""
    await tx.execute(
        "DELETE FROM import_pieces WHERE import_id IN (SELECT import_id FROM imports "
        "WHERE import_id = $1 AND state = ANY($2::text[]))",
        import_id,
        list(ENDED),
    )


async def waiting(tx: Tx, source: str) -> int:
    """How many jobs of a source have not ended."""
    row = await tx.fetch_one(
        "SELECT count(*) FROM imports WHERE source = $1 "
        "AND state IN ('uploading','queued','running')",
        source,
    )
    return int(row[0])


async def queue(tx: Tx, job: Job) -> None:
    """Let a job begin: its file is complete."""
    await tx.execute(
        "UPDATE imports SET state = 'queued', digest = $1, bytes = $2 WHERE import_id = $3",
        job.digest,
        job.bytes,
        job.import_id,
    )


async def forget(tx: Tx, import_id: str) -> None:
    """Leave no trace of an upload that was not completed."""
    await drop_pieces(tx, import_id)
    await tx.execute("DELETE FROM imports WHERE import_id = $1 AND state = 'uploading'", import_id)


async def copy_pieces(tx: Tx, old: str, new: str) -> bool:
    """Give a job the file of another; whether there was one."""
    copied = await tx.execute(
        "INSERT INTO import_pieces (import_id, number, data) "
        "SELECT $1::text, number, data FROM import_pieces WHERE import_id = $2",
        new,
        old,
    )
    return copied > 0


def mapping_document(name: str, mapping: Mapping, recorded_at: int) -> Record:
    """A mapping on the wire."""
    return {
        "name": name,
        "recorded_at": rfc3339(recorded_at),
        "mapping": msgspec.to_builtins(mapping),
    }
