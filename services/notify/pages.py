"""The page behind the link in a mail: what the alert says and a button to acknowledge it.

Owns its HTML. Everything from data is cleaned and escaped; there is no script and no style.
"""

from __future__ import annotations

import html

from services.notify import words
from services.notify.messages import Item, subject
from services.notify.segments import clean


def _page(language: str, title: str, body: str) -> str:
    direction = "rtl" if language == "ur" else "ltr"
    return (
        f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{html.escape(title)}</title></head><body><h1>{html.escape(title)}</h1>{body}"
        "</body></html>"
    )


def question_page(item: Item, officer: str, language: str, *, still_open: bool) -> str:
    """Return the page that asks an officer to take notice of an alert, or says that it is over."""
    text = words.PAGE[language]
    said = html.escape(subject("fire", [item], language))
    if not still_open:
        body = f"<p>{said}</p><p>{html.escape(text['over'])}</p>"
        return _page(language, text["title"].format(code=item.code), body)
    body = (
        f"<p>{said}</p><p>{html.escape(clean(officer))}: {html.escape(text['question'])}</p>"
        f'<form method="post"><label>{html.escape(text["note"])}<br>'
        '<input name="note" maxlength="500"></label>'
        f'<p><button type="submit">{html.escape(text["button"])}</button></p></form>'
    )
    return _page(language, text["title"].format(code=item.code), body)


def done_page(item: Item, language: str, *, done: bool) -> str:
    """Return the page after the button was pressed."""
    text = words.PAGE[language]
    said = text["done"] if done else text["over"]
    return _page(language, text["title"].format(code=item.code), f"<p>{html.escape(said)}</p>")
