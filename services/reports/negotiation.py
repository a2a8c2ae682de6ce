"""Which form and language a caller wants, from the query or the Accept headers (pure).

Pages are written in English and Urdu. Where labels are all that a language changes, in JSON, every
language is taken in which the definitions have labels.
"""

from shared.errors import invalid

FORMS = {"json": "application/json", "html": "text/html; charset=utf-8"}
LANGS = {"json": ("en", "ur", "bn"), "html": ("en", "ur")}
"""The languages of each form."""


def quality(header: str, kind: str) -> float:
    """The q of the most specific range of an Accept header that covers `kind`; 0 when none."""
    best = (-1, 0.0)
    for part in header.split(","):
        name, *parameters = [piece.strip().lower() for piece in part.split(";")]
        group = kind.partition("/")[0]
        precision = {kind: 2, f"{group}/*": 1, "*/*": 0}.get(name, -1)
        if precision < 0:
            continue
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                weight = _number(value)
        best = max(best, (precision, weight))
    return best[1]


def _number(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def form_of(asked: str | None, accept: str) -> str:
    """`json` or `html`: what the query says, else what Accept prefers, else JSON."""
    if asked is not None:
        if asked not in FORMS:
            raise invalid("/query/format", "unknown_format", "A card comes as json or html.")
        return asked
    return "html" if quality(accept, "text/html") > quality(accept, "application/json") else "json"


def lang_of(asked: str | None, accept: str, form: str = "html") -> str:
    """A language of LANGS: what the query says, else what Accept-Language prefers, else English.

    Raises Problem 422 for a language in which there is no such form.
    """
    known = LANGS[form]
    if asked is not None:
        if asked not in known:
            detail = "Pages are in en and ur; the labels of a card as JSON are also in bn."
            raise invalid("/query/lang", "unknown_language", detail)
        return asked
    wanted: list[tuple[float, str]] = []
    for part in accept.split(","):
        name, *parameters = [piece.strip().lower() for piece in part.split(";")]
        weights = [_number(p[2:]) for p in parameters if p.startswith("q=")]
        wanted.append((weights[0] if weights else 1.0, name.partition("-")[0]))
    ranked = sorted(wanted, key=lambda item: -item[0])
    return next((name for weight, name in ranked if weight and name in known), "en")
