"""What an administrator declares about partners: their servers, their forms, their mappings.

Owns names, types and ranges; secrets go in by these structs and never come out again.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
Path = Annotated[str, Meta(min_length=1, max_length=500)]
Pointer = Annotated[str, Meta(pattern=r"^(/[a-z0-9_]{1,60}){1,5}\Z")]
Words = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=200)]
Scalar = str | int | float | bool


class Declared(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a declaration; an unknown key is refused."""


class RuleIn(Declared):
    """One field of the visit: which answers it is made of, and how they are read.

    `paths` are questions of the form (several are summed); `value` is a constant instead. `missing`
    are words for "not measured", `units` what to multiply a number by when a unit stands behind it,
    `factor` what to multiply it by always; `codes` says what each code of the form stands for;
    `selected` asks whether that choice is among those of a question of many choices; `order` and
    `zone` read dates that are not ISO and times without an offset.
    """

    to: Pointer
    paths: Annotated[list[Path], Meta(max_length=20)] = field(name="from", default_factory=list)
    value: Scalar | None = None
    missing: Words = []
    units: dict[str, float] = {}
    factor: float | None = None
    codes: dict[str, Scalar | None] = {}
    selected: Annotated[str, Meta(max_length=200)] | None = None
    order: Literal["ymd", "dmy", "mdy"] = "ymd"
    zone: Annotated[str, Meta(max_length=60)] | None = None


class RepeatedIn(Declared):
    """A repeated group of the form that is a list of the visit; paths inside are relative to it."""

    path: Path = field(name="from")
    to: Literal["/students/grades"]
    fields: Annotated[list[RuleIn], Meta(max_length=100)]


class MappingIn(Declared):
    """How the answers of a foreign form become a visit; `ignore` are questions left out on purpose.

    Patterns in `ignore` may hold `*`.
    """

    fields: Annotated[list[RuleIn], Meta(min_length=1, max_length=500)]
    repeats: Annotated[list[RepeatedIn], Meta(max_length=5)] = []
    ignore: Words = []


class FormIn(Declared):
    """A form of a partner; without a mapping it is the project's own XLSForm.

    `poll_seconds` is the pause between two looks for what is new, `complete_seconds` between two
    complete readings, which find deletions (and with KoboToolbox edits); 0 = never by itself.
    """

    form: Name
    mapping: MappingIn | None = None
    poll_seconds: Annotated[int, Meta(ge=0, le=604_800)] = 900
    complete_seconds: Annotated[int, Meta(ge=0, le=2_592_000)] = 86_400


class LoginIn(Declared):
    """How the partner's server is asked: a token, or a user with a password."""

    token: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    username: Annotated[str, Meta(min_length=1, max_length=300)] | None = None
    password: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class AdapterIn(Declared):
    """A partner: what kind of server, whose source its visits are, and its forms.

    Without `url` nothing is polled: the partner only calls the hook. `project` is ODK Central's
    number of the project. An absent `login` keeps the one that is stored.
    """

    kind: Literal["kobo", "odk"]
    source: Annotated[str, Meta(pattern=r"^[!-~]{1,100}\Z")]
    forms: Annotated[list[FormIn], Meta(min_length=1, max_length=100)]
    url: (
        Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?\Z", max_length=300)] | None
    ) = None
    project: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    login: LoginIn | None = None
    units: Annotated[list[Annotated[str, Meta(max_length=110)]], Meta(min_length=1)] | None = None
    photos: bool = True
    paused: bool = False
