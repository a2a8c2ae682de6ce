"""Pages: templates, words and static files put together into HTML.

Owns the template environment, the isolation of values inside sentences and the names of static
files (a digest in the name, so that a browser may keep them for ever). What is shown is decided by
`view` and by the routes.
"""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.reports.card import HEADLINE, Card
from services.reports.compare import GRADES
from services.reports.formats.links import (
    card_link,
    comparison_link,
    list_link,
    register_link,
    visit_link,
)
from services.reports.formats.view import SORTS, Order, Row, card_view
from services.reports.listening import of_card
from services.reports.numbers import UNDEFINED, count
from services.reports.texts import LANGUAGES, Texts
from services.reports.texts.problems import explained
from shared.access import ANONYMOUS, Principal
from shared.domain.codes import SCHOOL_PREFIX

_HERE = Path(__file__).parent.parent
_TYPES = {".woff2": "font/woff2", ".svg": "image/svg+xml"}
# What isolates a value in plain text (attributes, titles): first strong isolate, pop.
_ISOLATE, _POP = "\u2068", "\u2069"
# The pages of people who work with the data: name, address, and one of which scopes opens it.
DESK = (
    ("register", "/register", ()),
    ("reviews", "/reviews", ("visits:review",)),
    ("imports", "/imports", ("imports:write",)),
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file of /static as it is served."""

    content: bytes
    media_type: str


def load_static(folder: Path = _HERE / "static") -> tuple[dict[str, str], dict[str, StaticFile]]:
    """Read the static files: (name → name with digest, name with digest → file).

    Style sheets are read last, because their `url(name)` become names with digests.
    """
    paths = sorted(folder.rglob("*.*"), key=lambda path: (path.suffix == ".css", path.name))
    names: dict[str, str] = {}
    files: dict[str, StaticFile] = {}
    for path in paths:
        content = path.read_bytes()
        if path.suffix == ".css":
            text = re.sub(
                r"url\(([\w.-]+)\)", lambda found: f"url({names[found[1]]})", content.decode()
            )
            content = text.encode()
        digest = hashlib.sha256(content).hexdigest()[:12]
        names[path.name] = f"{path.stem}.{digest}{path.suffix}"
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
        files[names[path.name]] = StaticFile(content, kind)
    return names, files


def isolated(texts: Texts, key: str, /, **values: str | int) -> Markup:
    """A sentence in which every value stands in its own <bdi>; markup is taken as it is."""
    wrapped = {
        name: value if isinstance(value, Markup) else Markup("<bdi>{}</bdi>").format(value)
        for name, value in values.items()
    }
    return escape(texts.words[key]).format(**wrapped)


def plain(texts: Texts, key: str, /, **values: str | int) -> str:
    """A sentence for an attribute, every value between isolating characters."""
    return texts.say(key, **{name: f"{_ISOLATE}{value}{_POP}" for name, value in values.items()})


class Pages:
    """Renders pages; built once, without I/O afterwards."""

    def __init__(self, zone: ZoneInfo, notices: Mapping[str, str | None]) -> None:
        self.static_names, self.static_files = load_static()
        self._zone = zone
        self._notices = notices
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(
            static=lambda name: f"/static/{self.static_names[name]}",
            all_texts=LANGUAGES,
            count=count,
            card_link=card_link,
            register_link=register_link,
        )

    def render(
        self,
        template: str,
        lang: str,
        path: str,
        *,
        principal: Principal | None = None,
        signed_in: bool | None = None,
        **values: Any,
    ) -> bytes:
        """A page in one language; `path` (with its query, without lang) is where it stands.

        `principal` is who looks at it, where the page says so. `signed_in` is given instead where
        the page is kept for others: it names nobody, and asks nobody to sign in who has.
        """
        texts = LANGUAGES[lang]
        page = self._environment.get_template(template)
        joint = "&" if "?" in path else "?"
        told = lang if self._notices.get(lang) else "en"
        return page.render(
            x=texts,
            notice=self._notices.get(told),
            notice_texts=LANGUAGES[told],
            t=partial(isolated, texts),
            p=partial(plain, texts),
            counted=partial(_counted, texts),
            languages={code: f"{path}{joint}lang={code}" for code in LANGUAGES},
            level_name=lambda level: texts.maybe(f"level.{level}", level),
            word=partial(_word, texts),
            moment=lambda instant: self.moment(instant, lang),
            school_link=lambda code: register_link(f"{SCHOOL_PREFIX}{code}", lang=lang),
            visit_link=partial(visit_link, lang=lang),
            explain=lambda code: explained(code, lang),
            desk=desk_of(principal),
            principal=principal,
            named=has_signed_in(principal),
            signed_in=has_signed_in(principal) if signed_in is None else signed_in,
            levels_name=partial(_levels_name, texts),
            **values,
        ).encode()

    def card(
        self,
        card: Card,
        lang: str,
        sort: str = "name",
        order: Order = "asc",
        ending: str = "",
        *,
        signed_in: bool = False,
    ) -> bytes:
        """The card's page; `ending` is the last day that was asked for a rolling period.

        `signed_in`: whether those who look at it are.
        """
        texts, own = LANGUAGES[lang], card.own
        view = card_view(card, texts, sort, order)
        asked = {
            "period": own.period,
            "ending": ending,
            "view": own.view if own.view != "as_was" else "",
            "known_at": own.known_at or "",
        }
        here = card_link(own.place.unit_id, **asked, sort=sort if sort != "name" else "")

        def sort_link(key: str) -> str:
            # The weakest first: that is what a list is opened for. A second click turns it round.
            turn = "desc" if key == view.sort and view.order == "asc" else "asc"
            link = card_link(own.place.unit_id, **asked, lang=lang, sort=key, order=turn)
            return f"{link}#children"

        def sort_name(key: str) -> str:
            if key in HEADLINE:
                return texts.say(key)
            return texts.say({"coverage": "children.schools"}.get(key, f"children.{key}"))

        return self.render(
            "card.html",
            lang,
            here,
            signed_in=signed_in,
            v=view,
            own=own,
            heard=of_card(card),
            chain=card.chain,
            parent=card.parent,
            previous=card.previous,
            year_ago=card.year_ago,
            as_of=self.moment(own.as_of, lang),
            known_at=self.moment(own.known_at, lang) if own.known_at else None,
            known_link=card_link(own.place.unit_id, **asked | {"known_at": own.as_of}, lang=lang),
            now_link=card_link(own.place.unit_id, **asked | {"known_at": ""}, lang=lang),
            lists_link=list_link(own.place.unit_id, asked | {"lang": lang}),
            ending=ending,
            seal_line=_seal_line(card),
            months=_months(card, texts),
            columns=5 + view.changes + bool(card.parent) + bool(view.siblings),
            action=card_link(own.place.unit_id),
            link=lambda unit_id: card_link(unit_id, **asked, lang=lang),
            depth_link=lambda code: comparison_link(own.place.unit_id, code, **asked, lang=lang),
            sort_link=sort_link,
            sort_name=sort_name,
            sorts=SORTS,
            headline=HEADLINE,
            chosen=sort if sort in HEADLINE else HEADLINE[0],
            children_level=_children_level(card),
            audience=texts.maybe(f"for.{own.place.level}", ""),
            grades=_grades(texts),
            bar_label=partial(_bar_label, card, texts),
            short_version=hashlib.sha256(own.version.encode()).hexdigest()[:10],
        )

    def moment(self, instant: str, lang: str) -> str:
        """An RFC 3339 instant as local date and time in words."""
        return LANGUAGES[lang].moment(datetime.fromisoformat(instant).astimezone(self._zone))


def has_signed_in(principal: Principal | None) -> bool:
    """Whether somebody is known by a key or a session."""
    return principal is not None and principal.key_id != ANONYMOUS.key_id


def desk_of(principal: Principal | None) -> list[tuple[str, str]]:
    """The pages, name and address, that are open to somebody."""
    return [
        (name, address)
        for name, address, scopes in DESK
        if not scopes or (principal is not None and any(map(principal.has, scopes)))
    ]


def _word(texts: Texts, kind: str, value: str | None) -> str:
    """A word of the wire in the reader's language, as it is where nobody translated it."""
    if value is None:
        return UNDEFINED
    return texts.maybe(f"{kind}.{value}", value.replace("_", " "))


def _levels_name(texts: Texts, level: str, number: int = 0) -> str:
    """What units of a level are called, as `number` of them are: 1 cluster, 2 clusters."""
    if number == 1:
        return texts.maybe(f"level.{level}", level).lower()
    return texts.maybe(f"levels.{level}", level)


def _seal_line(card: Card) -> Markup | None:
    """What a sheet is checked by, as `rtsm check` takes it: one run of Latin from left to right."""
    own = card.own
    if not own.seal:
        return None
    moment = own.known_at or own.as_of
    parts = (own.place.unit_id, f"{own.first}..{own.last}", own.view, moment, own.seal)
    return Markup('<bdi dir="ltr">{}</bdi>').format(" · ".join(parts))


def _children_level(card: Card) -> str:
    levels = {child.figures.place.level for child in card.children}
    return levels.pop() if len(levels) == 1 else "unit"


def _counted(texts: Texts, what: str, number: int) -> Markup:
    """A number with its word, such as 1 visit or 12 visits."""
    return isolated(texts, f"{what}.{'one' if number == 1 else 'many'}", count=count(number))


def _months(card: Card, texts: Texts) -> str:
    """From when to when the trends run, such as Jan 2018 – May 2019, where not as the card does."""
    trend = next((line.trend for line in card.lines if line.trend), ())
    if len(trend) < 2 or trend[0].first == card.own.first:
        return ""
    first, last = (texts.month(point.first, short=True) for point in (trend[0], trend[-1]))
    return f"{first} – {last}"


def _grades(texts: Texts) -> Markup:
    """The limits of the grades in words."""
    each = (
        isolated(texts, "legend.grade", grade=letter, least=f"{least}%") for letter, least in GRADES
    )
    return isolated(
        texts, "legend.grades", grades=escape(texts.words["comma"]).join(each), last="E"
    )


def _bar_label(card: Card, texts: Texts, row: Row) -> str:
    """A bar in words, for those who do not see it."""
    parts = [f"{row.name}: {row.text}"]
    if row.low is not None and row.high is not None:
        parts.append(plain(texts, "interval", low=row.low, high=row.high))
    if row.target:
        parts.append(f"{texts.say('column.target')}: {row.target}")
    if card.parent:
        parts.append(f"{card.parent.place.called(texts.lang)}: {row.parent}")
    return "; ".join(parts)
