"""Short codes by which people name an alert on paper and on the telephone.

Owns the alphabet; that no two open alerts share a code is kept by the table's unique column.
"""

import secrets

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters and digits that cannot be mistaken for one another: no 0, O, 1 or I."""
LENGTH = 4


def new_code() -> str:
    """Return a random code of four characters with at least one letter and one digit."""
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if any(c.isdigit() for c in code) and any(c.isalpha() for c in code):
            return code
