"""What a database can refuse, told apart by what should happen next."""


class DatabaseError(Exception):
    """Something went wrong in a database."""


class Conflict(DatabaseError):  # noqa: N818 - a kind with a fate, not a failure
    """A row with this key exists already: somebody else was first."""


class Transient(DatabaseError):  # noqa: N818
    """Busy, deadlocked, or the connection was lost: the same work may be tried again."""
