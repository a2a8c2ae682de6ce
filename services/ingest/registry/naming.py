"""Which unit or school a name means: certain spellings first, near ones only as an offer.

Owns the comparison of names; pure. A name is certain when it is an id, a name, a declared alias or
a former name, whatever its case, spaces and points. Everything else is a candidate with a score
and is never taken by itself.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from shared.domain.codes import canonical_school_code

# In the order in which they decide: a unit that is called so outranks one that once was.
BY = ("id", "name", "alias", "head_school", "former_name", "path")
CODES = frozenset({"id", "head_school"})
_RANK = {by: rank for rank, by in enumerate(BY)}
_NO_LETTERS = re.compile(r"[\W_]+")
_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ە": "ہ", "ه": "ہ", "أ": "ا", "إ": "ا"})
_SCORE_DIGITS = 2
LEAST = 60.0


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write one unit or school: `by` says what kind of name it is."""

    identity: str
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Match:
    """A unit or school that a name may mean; `score` 0..1, 1 only when the spelling is certain."""

    identity: str
    matched: str
    by: str
    score: float


@dataclass(frozen=True, slots=True)
class Resolution:
    """The one that is certain (or None) and the candidates, best first; the certain one is first.

    Several certain ones of equal rank are `ambiguous`: then none is taken.
    """

    match: Match | None
    candidates: tuple[Match, ...]
    ambiguous: bool = False


def key(text: str) -> str:
    """The spelling under which two names are one: without case, spaces, points and marks.

    `Jafer-Abad` and `JAFERABAD` are one name, `Jaffarabad` is another (and its near candidate).
    """
    if text.isascii():
        return _NO_LETTERS.sub("", text).lower()
    decomposed = unicodedata.normalize("NFKD", text).translate(_LETTERS)
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _NO_LETTERS.sub("", letters).casefold()


def halves(text: str) -> list[tuple[str, str]]:
    """All ways to part a text of several words in two: `Kech Dasht` is a tehsil of a district."""
    words = text.split()
    return [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]


def anyone(_: str) -> bool:
    """Everybody is asked for; the search then need not look who fits."""
    return True


class Names:
    """All spellings of units, or of schools."""

    def __init__(self, spellings: Iterable[Spelling]) -> None:
        self._certain: dict[tuple[bool, str], list[Spelling]] = {}
        keys: list[str] = []
        told: list[Spelling] = []
        for spelling in spellings:
            written = key(spelling.text)
            is_code = spelling.by in CODES
            # BEF001 and BEF_001 are two codes, but each is near the other.
            certain = canonical_school_code(spelling.text).casefold() if is_code else written
            if certain:
                self._certain.setdefault((is_code, certain), []).append(spelling)
            if written:
                keys.append(written)
                told.append(spelling)
        self._keys: Sequence[str] = keys
        self._told: Sequence[Spelling] = told

    def called(self, text: str, fits: Callable[[str], bool]) -> dict[str, Spelling]:
        """Everybody with this id, name, alias or former name, each by the best of them."""
        found: dict[str, Spelling] = {}
        code = (True, canonical_school_code(text).casefold())
        for spelling in (*self._certain.get(code, ()), *self._certain.get((False, key(text)), ())):
            held = found.get(spelling.identity)
            if fits(spelling.identity) and (held is None or _RANK[spelling.by] < _RANK[held.by]):
                found[spelling.identity] = spelling
        return found

    def certain(self, text: str, fits: Callable[[str], bool]) -> tuple[Match, ...]:
        """Those of the best rank among `called`, mostly one."""
        found = self.called(text, fits)
        best = min((_RANK[spelling.by] for spelling in found.values()), default=0)
        return tuple(
            Match(spelling.identity, spelling.text, spelling.by, 1.0)
            for identity, spelling in sorted(found.items())
            if _RANK[spelling.by] == best
        )

    def near(
        self, text: str, fits: Callable[[str], bool], limit: int, least: float = LEAST
    ) -> tuple[Match, ...]:
        """Those whose names are nearly written so, best first, each once; never certain ones."""
        wanted = key(text)
        if not wanted:
            return ()
        places = None if fits is anyone else self._fitting(fits)
        keys = self._keys if places is None else [self._keys[place] for place in places]
        scored = process.extract(
            wanted, keys, scorer=fuzz.ratio, score_cutoff=least, limit=limit * len(BY)
        )
        found: dict[str, Match] = {}
        for _, score, at in scored:
            spelling = self._told[at if places is None else places[at]]
            told = min(round(score / 100, _SCORE_DIGITS), 0.99)
            found.setdefault(
                spelling.identity, Match(spelling.identity, spelling.text, spelling.by, told)
            )
        ordered = sorted(found.values(), key=lambda match: (-match.score, match.identity))
        return tuple(ordered[:limit])

    def _fitting(self, fits: Callable[[str], bool]) -> list[int]:
        known: dict[str, bool] = {}
        places = []
        for place, spelling in enumerate(self._told):
            good = known.get(spelling.identity)
            if good is None:
                good = known[spelling.identity] = fits(spelling.identity)
            if good:
                places.append(place)
        return places

    def resolve(
        self,
        text: str,
        fits: Callable[[str], bool],
        stands: Callable[[str], bool],
        limit: int = 5,
    ) -> Resolution:
        """The unit or school a name means for certain, and what it may mean otherwise.

        `fits` says who is asked for at all; who does not stand (any more) is only a candidate.
        """
        certain = self.certain(text, lambda identity: fits(identity) and stands(identity))
        if len(certain) == 1:
            return Resolution(certain[0], certain)
        if certain:
            return Resolution(None, certain[:limit], ambiguous=True)
        return self._uncertain(text, fits, limit)

    def _uncertain(self, text: str, fits: Callable[[str], bool], limit: int) -> Resolution:
        gone = self.certain(text, fits)
        named = {match.identity for match in gone}
        others = (lambda identity: identity not in named and fits(identity)) if named else fits
        near = self.near(text, others, limit)
        return Resolution(None, (*gone, *near)[:limit])
