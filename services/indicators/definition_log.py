"""Which definitions were ever used: a version means the same for good.

Owns the record of every version's meaning, made when a process first starts with it, and the
refusal to start with another meaning under the same version. SQL and its transaction only.
"""

from services.indicators.catalogue import Definitions
from services.indicators.definition_file import refused_changes
from shared.clock import Clock, micros
from shared.db.engine import Database

_LOCK = "definitions"


async def settle(database: Database, definitions: Definitions, clock: Clock) -> None:
    """Record the versions that are new; raises DefinitionError for one that changed."""
    async with database.transaction() as tx:
        await tx.lock(_LOCK)
        rows = await tx.fetch("SELECT code, version, digest FROM definitions_used")
        held = [(row[0], int(row[1]), row[2]) for row in rows]
        refused_changes(definitions, held)
        known = {(code, version) for code, version, _ in held}
        now = micros(clock.now())
        fresh = [
            (entry.code, entry.version, entry.digest, now)
            for entry in definitions.entries
            if (entry.code, entry.version) not in known
        ]
        if fresh:
            await tx.insert_rows(
                "definitions_used", ("code", "version", "digest", "recorded"), fresh
            )
