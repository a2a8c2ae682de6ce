"""Every word of the pages and cards, by language; dates and periods as people read them (pure).

Owns wording and direction. Numbers are written by `numbers`, layout belongs to the templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.reports.texts.check_en import CHECK_EN
from services.reports.texts.check_ur import CHECK_UR
from services.reports.texts.desk_en import DESK_EN
from services.reports.texts.desk_ur import DESK_UR
from services.reports.texts.en import EN
from services.reports.texts.form_en import FORM_EN
from services.reports.texts.form_ur import FORM_UR
from services.reports.texts.lists_en import LISTS_EN
from services.reports.texts.lists_ur import LISTS_UR
from services.reports.texts.ur import UR
from services.reports.texts.work_en import WORK_EN
from services.reports.texts.work_ur import WORK_UR


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of one language; `say` fills them in."""

    lang: str
    direction: str
    words: Mapping[str, str]

    def say(self, key: str, /, **values: str | int) -> str:
        """The text of `key` with its `{names}` filled; KeyError for a key nobody wrote."""
        return self.words[key].format(**values)

    def maybe(self, key: str, otherwise: str) -> str:
        """The text of `key`, or `otherwise` where this language has none."""
        return self.words.get(key, otherwise)

    def day(self, day: date) -> str:
        """A date such as 31 May 2019."""
        return f"{day.day} {self.words[f'month.{day.month}']} {day.year}"

    def month(self, day: date, *, short: bool = False) -> str:
        """A month such as May 2019."""
        key = "short" if short else "month"
        return f"{self.words[f'{key}.{day.month}']} {day.year}"

    def moment(self, instant: datetime) -> str:
        """A local date and time such as 3 June 2019, 09:12."""
        return self.say("moment", day=self.day(instant.date()), time=f"{instant:%H:%M}")

    def span(self, first: date, last: date) -> str:
        """A run of days in the shortest true words: a year, a month, months, or days."""
        whole = first.day == 1 and (last + timedelta(days=1)).day == 1
        if not whole:
            return self.say("span", first=self.day(first), last=self.day(last))
        if (first.year, first.month) == (last.year, last.month):
            return self.month(first)
        if (first.month, last.month) == (1, 12) and first.year == last.year:
            return str(first.year)
        return self.say("span", first=self.month(first), last=self.month(last))


LANGUAGES: Mapping[str, Texts] = {
    "en": Texts("en", "ltr", EN | DESK_EN | WORK_EN | FORM_EN | LISTS_EN | CHECK_EN),
    "ur": Texts("ur", "rtl", UR | DESK_UR | WORK_UR | FORM_UR | LISTS_UR | CHECK_UR),
}


def words_of(lang: str, kind: str) -> dict[str, str]:
    """All words of a kind, such as every flag, by the wire's word."""
    start = f"{kind}."
    words = LANGUAGES[lang].words
    return {key[len(start) :]: text for key, text in words.items() if key.startswith(start)}
