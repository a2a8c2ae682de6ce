"""The flags that a reader of visits is shown: those of the signals, once they are known.

Owns the joining of a visit with its sighting. Until the consumer has seen a visit, the flags of its
receipt are shown.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from services.ingest.store import Stored
from services.ingest.trust.signals import Finding
from shared.db.transaction import Tx

Key = tuple[str, str]
_FINDINGS = msgspec.json.Decoder(list[Finding])


def findings(text: str) -> list[Finding]:
    """Flags as they were stored."""
    return [] if text == "[]" else _FINDINGS.decode(text)


async def shown(tx: Tx, visits: Sequence[Stored]) -> dict[Key, list[Finding]]:
    """The flags of each visit, by (visit id, source)."""
    rows = await tx.fetch(
        "SELECT visit_id,source,flags FROM sightings WHERE visit_id = ANY($1::text[])",
        [visit.visit_id for visit in visits],
    )
    known = {(row[0], row[1]): row[2] for row in rows}
    keys = {(visit.visit_id, visit.source): visit.flags for visit in visits}
    return {key: findings(known.get(key, flags)) for key, flags in keys.items()}


def entity_tag(visit: Stored, flags: Sequence[Finding]) -> str:
    """The tag of a visit's document: its revision, and what the signals added or took away since.

    `If-Match` reads the revision alone.
    """
    if [(flag.code, flag.pointer) for flag in flags] == [
        (flag.code, flag.pointer) for flag in findings(visit.flags)
    ]:
        return f'"{visit.revision}"'
    text = msgspec.json.encode(flags)
    return f'"{visit.revision}.{hashlib.blake2b(text, digest_size=4).hexdigest()}"'
