"""What one entry of a file of definitions may say, and the refusal of one that makes no sense.

Owns the fields of an entry and their checking: measures that exist and are of the right kind, parts
that add to the whole by construction, labels. A refusal names the field and the reason; which file
and which indicator is `definition_file`'s to say. Pure.
"""

import hashlib
import re
from typing import Any, Literal

import msgspec

from services.indicators import labels
from services.indicators.catalogue import Indicator, Line, Reliable
from services.indicators.expressions import (
    UnknownMeasureError,
    basis_of,
    group_of,
    is_answer,
    vector,
)
from services.indicators.intervals import Resemblance, Sampling
from services.indicators.measures import GENDERS, UNSPECIFIED
from services.indicators.traits import KINDS, OF_VISITS

LANGUAGES = ("en", "ur", "bn")
_CODE = re.compile(r"[a-z][a-z0-9_]{1,62}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,30}")
_MOST_VERSION = 1_000_000
_WORDS = frozenset(("labels", "short", "numerator_is", "denominator_is", "shown", "by"))
"""Fields that say nothing of what is computed: they may be edited under the same version."""


class RefusalError(Exception):
    """A field of an entry and what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"field {field}: {reason}")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One split with stored measures: `{}` in a term stands for the word."""

    words: list[str]
    numerator: list[str]
    answered: str
    denominator: list[str] = []
    kind: str | None = None
    labels: dict[str, dict[str, str]] = {}


class _Alike(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How alike the answers of one school are, see `intervals.Resemblance`."""

    icc: float
    cv2: float


class _Reliable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From how much evidence on a figure is relied on."""

    schools: int = 0
    visits: int = 0
    known_percent: int | None = None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one indicator, as written."""

    code: str
    version: int
    basis: Literal["flow", "stock", "period"]
    direction: Literal["higher", "lower"]
    unit: Literal["share", "count"]
    numerator: list[str]
    answered: str
    numerator_is: str
    sample: Literal["clustered", "school", "census", "count"]
    labels: dict[str, str]
    denominator: list[str] = []
    denominator_is: str | None = None
    alike: _Alike | None = None
    reliable: _Reliable = _Reliable()
    by: list[str] = []
    shown: Literal["always", "asked"] = "always"
    short: dict[str, str] = {}
    splits: list[_Part] = []


def checked(row: Any, file: str) -> Indicator:
    """The indicator that a row of a file defines; raises RefusalError."""
    try:
        entry = msgspec.convert(row, _Entry)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        if not path:
            named = re.search(r"field `([^`]+)`", reason)
            path = f"$.{named.group(1)}" if named else "$."
        raise RefusalError(path.removeprefix("$.").rstrip("`") or "(entry)", reason) from error
    _check_words(entry)
    _check_sampling(entry)
    total = Line(
        entry.code,
        None,
        tuple(entry.numerator),
        tuple(entry.denominator),
        entry.answered,
        always=True,
        version=entry.version,
    )
    _check_line(entry, total, "")
    parts = [line for place, part in enumerate(entry.splits) for line in _part(entry, part, place)]
    _check_parts_add_up(entry, total)
    splits = [line.split for line in parts]
    twice = next((split for split in splits if splits.count(split) > 1), None)
    if twice is not None:
        raise RefusalError("splits", f"{twice} is given twice")
    alike = entry.alike or _Alike(0.0, 0.0)
    return Indicator(
        code=entry.code,
        version=entry.version,
        basis=None if entry.basis == "period" else entry.basis,
        direction=entry.direction,
        unit=entry.unit,
        numerator=entry.numerator_is,
        denominator=entry.denominator_is,
        sampling=Sampling(entry.sample),
        resemblance=Resemblance(alike.icc, alike.cv2),
        reliable=Reliable(
            entry.reliable.schools, entry.reliable.visits, entry.reliable.known_percent
        ),
        by=tuple(entry.by),
        shown=entry.shown,
        names=entry.labels,
        short=entry.short,
        words=_words(entry),
        lines=(total, *parts),
        digest=digest(row),
        file=file,
    )


def digest(row: Any) -> str:
    """A text that stands for what an entry computes; its labels and other words may be edited."""
    meaning = {key: value for key, value in row.items() if key not in _WORDS}
    if "splits" in meaning:
        meaning["splits"] = [
            {key: value for key, value in part.items() if key != "labels"}
            for part in meaning["splits"]
        ]
    plain = msgspec.json.encode(meaning, order="deterministic")
    return hashlib.blake2b(plain, digest_size=12).hexdigest()


def _check_words(entry: _Entry) -> None:
    if not _CODE.fullmatch(entry.code):
        raise RefusalError("code", "a code is 2 to 63 small letters, digits and _, a letter first")
    if not 1 <= entry.version <= _MOST_VERSION:
        raise RefusalError("version", f"a version is a whole number from 1 to {_MOST_VERSION}")
    _check_labels("labels", entry.labels)
    _check_labels("short", entry.short)
    if "en" not in entry.labels:
        raise RefusalError("labels.en", "an English label is needed")
    if (entry.unit == "share") != bool(entry.denominator):
        wanted = "a share needs a denominator" if entry.unit == "share" else "a count has none"
        raise RefusalError("denominator", wanted)
    if (entry.denominator_is is None) != (not entry.denominator):
        raise RefusalError("denominator_is", "it says in words what the denominator is")
    _check_kinds(entry)


def _check_labels(name: str, given: dict[str, str]) -> None:
    for language, text in given.items():
        if language not in LANGUAGES:
            raise RefusalError(f"{name}.{language}", f"the languages are {', '.join(LANGUAGES)}")
        if not text.strip():
            raise RefusalError(f"{name}.{language}", "the label is empty")


def _check_kinds(entry: _Entry) -> None:
    for kind in entry.by:
        if kind not in KINDS:
            raise RefusalError("by", f"{kind} is none of {', '.join(KINDS)}")
        if kind in OF_VISITS and entry.basis != "flow":
            raise RefusalError("by", f"{kind} is of visits, so only a flow is split by it")
        if kind in {part.kind for part in entry.splits}:
            raise RefusalError("by", f"{kind} is among the splits already")


def _check_sampling(entry: _Entry) -> None:
    if (entry.unit == "count") != (entry.sample == "count"):
        raise RefusalError("sample", "a count is sampled as count, and nothing else is")
    if (entry.sample == "clustered") != (entry.alike is not None):
        raise RefusalError("alike", "icc and cv2 are needed by a clustered sample, and only there")
    if entry.alike is not None:
        if not 0.0 <= entry.alike.icc <= 1.0:
            raise RefusalError("alike.icc", "it lies between 0 and 1")
        if not 0.0 <= entry.alike.cv2 <= 100.0:
            raise RefusalError("alike.cv2", "it lies between 0 and 100")
    rely = entry.reliable
    if rely.schools < 0 or rely.visits < 0:
        raise RefusalError("reliable", "schools and visits are 0 or more")
    if rely.known_percent is not None:
        if entry.basis != "stock":
            raise RefusalError("reliable.known_percent", "only a stock can be a census")
        if not 1 <= rely.known_percent <= 100:
            raise RefusalError("reliable.known_percent", "it lies between 1 and 100")


def _check_line(entry: _Entry, line: Line, within: str) -> None:
    """Measures that exist, of the indicator's own basis, with something to answer them."""
    for name, terms in (("numerator", line.numerators), ("denominator", line.denominators)):
        twice = next((term for term in terms if terms.count(term) > 1), None)
        if twice is not None:
            raise RefusalError(within + name, f"{twice} is given twice, and would count twice")
        try:
            summed = vector(terms)
        except UnknownMeasureError as unknown:
            raise RefusalError(within + name, f"there is no measure {unknown}") from unknown
        if name == "numerator" and not summed.any():
            raise RefusalError(within + name, "it adds up to nothing")
        for term in terms:
            measure = term.removeprefix("-")
            # Coverage divides by the register's schools, which are a stock.
            if basis_of(measure) != entry.basis and not (
                entry.basis == "period" and measure == "registered"
            ):
                raise RefusalError(within + name, f"{measure} is no measure of a {entry.basis}")
    _check_group(entry, line, within)
    try:
        vector((line.answered,))
    except UnknownMeasureError as unknown:
        raise RefusalError(within + "answered", f"there is no measure {unknown}") from unknown
    if basis_of(line.answered) != entry.basis or not is_answer(line.answered):
        reason = f"{line.answered} does not say who answered a {entry.basis}"
        raise RefusalError(within + "answered", reason)


def _check_group(entry: _Entry, line: Line, within: str) -> None:
    """A stock is of one group: other answers stand on other days, and would be no pairs."""
    if entry.basis != "stock":
        return
    groups = {
        group_of(term.removeprefix("-")): term
        for term in (*line.numerators, *line.denominators, line.answered)
        if group_of(term.removeprefix("-")) is not None
    }
    if len(groups) > 1:
        names = " and ".join(groups.values())
        raise RefusalError(
            within + "numerator", f"{names} are answered apart: no visit need give both"
        )


def _part(entry: _Entry, part: _Part, place: int) -> list[Line]:
    within = f"splits[{place}]."
    if part.kind is not None and not _WORD.fullmatch(part.kind):
        raise RefusalError(within + "kind", "a kind is up to 31 small letters, digits and _")
    if not part.words:
        raise RefusalError(within + "words", "there are none")
    made = []
    for word in part.words:
        if not _WORD.fullmatch(word):
            raise RefusalError(within + "words", f"{word!r} is no word")
        if part.kind == "school_gender" and word not in (*GENDERS, UNSPECIFIED):
            raise RefusalError(within + "words", f"{word} is no gender of schools")
        line = Line(
            entry.code,
            word if part.kind is None else f"{part.kind}:{word}",
            tuple(term.replace("{}", word) for term in part.numerator),
            tuple(term.replace("{}", word) for term in part.denominator),
            part.answered.replace("{}", word),
            always=part.kind is None,
            version=entry.version,
        )
        _check_line(entry, line, within)
        made.append(line)
    return made


def _check_parts_add_up(entry: _Entry, total: Line) -> None:
    """Refuse a split whose parts are not, by construction, the whole."""
    for place, part in enumerate(entry.splits):
        for name, terms, whole in (
            ("numerator", part.numerator, total.numerators),
            ("denominator", part.denominator, total.denominators),
        ):
            parts = [term.replace("{}", word) for word in part.words for term in terms]
            if (vector(parts) != vector(whole)).any():
                raise RefusalError(
                    f"splits[{place}].{name}", "the parts do not add to the indicator's own"
                )


def _words(entry: _Entry) -> dict[str, dict[str, str]]:
    """The labels of the splits by what stands on the wire: the entry's own, else the known ones."""
    found: dict[str, dict[str, str]] = {}
    for place, part in enumerate(entry.splits):
        for word in part.words:
            split = word if part.kind is None else f"{part.kind}:{word}"
            own = part.labels.get(word)
            if own is not None and "en" not in own:
                raise RefusalError(
                    f"splits[{place}].labels.{word}.en", "an English label is needed"
                )
            found[split] = dict(own or labels.of_split(split))
    return found
