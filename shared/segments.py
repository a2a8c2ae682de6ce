"""Names in paths that may hold a slash: what `%2F` is inside a segment, and what parts segments.

Owns keeping the two apart. Servers hand on paths whose escapes are undone, so that the unit
`school:A/1` could not be told from what is below `school:A`; here such a path is read again from
the bytes that were sent. Routes say `{unit_id:segment}` (or `:segments` at the end of a path, where
a bare slash may stand as well) and are given the name as it is.
"""

from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import Scope

_KEPT = {"%": "%25", "/": "%2F"}
_ESCAPES = (b"%2F", b"%2f", b"%25")


class Segment(Convertor[str]):
    """One segment, with whatever it holds."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """The name that the segment stands for."""
        return value.replace("%2F", "/").replace("%25", "%")

    def to_string(self, value: str) -> str:
        """The segment for a name."""
        return value.replace("%", _KEPT["%"]).replace("/", _KEPT["/"])


class Segments(Segment):
    """All that is left of a path."""

    regex = ".*"


def register_segments() -> None:
    """Let routes say `:segment` and `:segments`; before they are declared."""
    register_url_convertor("segment", Segment())
    register_url_convertor("segments", Segments())


def segmented(scope: Scope) -> Scope:
    """The request with `%2F` and `%25` of its path as they were sent, all else undone."""
    raw: bytes = scope.get("raw_path") or b""
    if not any(escape in raw for escape in _ESCAPES):
        return scope
    parts = [unquote(part) for part in raw.decode("ascii", "replace").split("/")]
    kept = [part.replace("%", _KEPT["%"]).replace("/", _KEPT["/"]) for part in parts]
    return {**scope, "path": "/".join(kept)}
