"""Whose visits a caller reviews or replies to; pure.

A key reaches what its own source sent, a key with `admin` may name any source, and so may a person
who signed in: people answer for the schools of their units, whoever visited them.
"""

from services.ingest.drafts import source_of
from shared.access import Principal
from shared.access_keys import PERSON


def is_person(caller: Principal) -> bool:
    """Whether the caller is a person's session rather than a key."""
    return caller.source.startswith(PERSON)


def source_for(caller: Principal, named: str | None) -> str:
    """The source of the visit that a path names."""
    return named if named and is_person(caller) else source_of(caller, named)


def sources_for(caller: Principal, named: str | None) -> str | None:
    """The source whose visits are listed; None for all."""
    return named if is_person(caller) or caller.has("admin") else caller.source
