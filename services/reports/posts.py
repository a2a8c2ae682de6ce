"""What a person may do here, from the post that they hold (pure).

Owns the scopes of posts. Where they hold is not decided here: a session has the units of the
person's postings of the day, and none of them is everywhere.
"""

from collections.abc import Mapping

from shared.access import Principal
from shared.access_keys import PERSON

_READS = ("cards:read", "registry:read", "visits:read", "alerts:read")
_ACTS = (*_READS, "alerts:write")
_CHECKS = (*_READS, "visits:review")
_KEEPS = (*_CHECKS, "imports:write", "visits:write", "registry:write", "targets:write")

# Posts are compared in capitals. A post that is not named here reads.
_SCOPES: Mapping[str, tuple[str, ...]] = {
    "SECRETARY": _ACTS,
    "DIRECTOR": _ACTS,
    "DEO": _ACTS,
    "DDEO": _ACTS,
    "ADEO": _ACTS,
    "MONITORING": _CHECKS,
    "RTSM_MONITOR": _READS,
    "PERFORMANCE_CELL": _KEEPS,
}


def scopes_of(post: str) -> list[str]:
    """The scopes of a session of somebody who holds this post; never `admin`."""
    return list(_SCOPES.get(post.upper(), _READS))


def is_person(principal: Principal) -> bool:
    """Whether the caller is a person who signed in by mail, rather than a key."""
    return principal.source.startswith(PERSON)
