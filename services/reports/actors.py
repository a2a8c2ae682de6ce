"""Who did something: the names of the keys that histories tell of.

Owns the looking up; a name of a person's key is the officer's id, never a person's name.
"""

import re
from collections.abc import Iterable

from shared.access import Access

_KEY_ID = re.compile(r"[0-9a-f]{12}")


async def actor_names(access: Access, key_ids: Iterable[str | None]) -> dict[str, str]:
    """The name of each key that is known, by its id."""
    wanted = {key_id for key_id in key_ids if key_id and _KEY_ID.fullmatch(key_id)}
    found = [await access.keys.one(key_id) for key_id in sorted(wanted)]
    return {key.key_id: key.name for key in found if key is not None}
