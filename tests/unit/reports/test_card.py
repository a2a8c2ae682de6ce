import json
import string
from datetime import date
from fractions import Fraction

import pytest

from services.reports.card import HEADLINE, assemble
from services.reports.formats.charts import bar, trend
from services.reports.formats.json import card_bytes, card_document
from services.reports.formats.view import card_view
from services.reports.schemas import CardChild, CardDocument, CardFigure
from services.reports.texts import LANGUAGES
from services.reports.texts.en import EN
from services.reports.texts.ur import UR
from tests.unit.reports import builders as b


def test_every_figure_stands_beside_parent_past_target_and_siblings():
    gathered = b.gathered()
    card = assemble(gathered)
    line = card.line("teacher_attendance")
    assert line is not None
    assert gathered.parent is not None
    assert gathered.previous is not None
    assert line.parent is gathered.parent.total("teacher_attendance")
    assert line.previous is gathered.previous.total("teacher_attendance")
    assert line.target is not None
    assert line.target.unit_id == "PK-BA"
    assert line.rank is not None
    assert line.rank.of == 6
    assert len(line.trend) == 17
    assert all(not split.trend for split in card.splits("teacher_attendance"))
    assert len(card.lines) == len(gathered.own.figures)


def test_the_document_has_the_documented_fields_and_no_others():
    document = json.loads(card_bytes(assemble(b.gathered()), "en"))
    assert set(document) == CardDocument.__required_keys__
    labelled = CardFigure.__required_keys__ | {"label", "split_label"}
    for figure in document["figures"]:
        assert set(figure) == labelled - {"new_visits"}
    for child in document["children"]:
        assert set(child) == CardChild.__required_keys__


def test_the_document_keeps_integers_beside_shares():
    card = assemble(b.gathered())
    figure = card_document(card, "en")["figures"][0]
    assert figure["value"] == pytest.approx(figure["numerator"] / figure["denominator"], abs=1e-6)
    count = next(f for f in card_document(card, "en")["figures"] if f["indicator"] == "visits_made")
    assert count["value"] is None
    assert count["denominator"] is None
    assert count["grade"] is None


def test_a_root_has_neither_parent_nor_rank():
    card = assemble(b.gathered((b.PROVINCE,), children=6))
    line = card.line("student_attendance")
    assert line is not None
    assert line.parent is None
    assert line.rank is None
    assert card_view(card, LANGUAGES["en"]).siblings == 0


def test_children_are_ordered_and_what_is_undefined_comes_last():
    gathered = b.gathered(children=5)
    empty = b.figures_of(b.a_place("Z", "Zzz", "cluster"))
    empty.figures["teacher_attendance", None] = b.a_figure(
        0, 0, indicator="teacher_attendance", state="not_measured"
    )
    card = assemble(b.replaced(gathered, children=(empty, *gathered.children)))
    low = card_view(card, LANGUAGES["en"], "teacher_attendance", "asc").children
    high = card_view(card, LANGUAGES["en"], "teacher_attendance", "desc").children
    assert low[-1].unit_id == high[-1].unit_id == "Z"
    assert [row.unit_id for row in low[:-1]] == [row.unit_id for row in high[:-1]][::-1]
    at = HEADLINE.index("teacher_attendance")
    assert low[-1].cells[at].text == "–"
    names = [row.name for row in card_view(card, LANGUAGES["en"], "name", "asc").children]
    assert names == sorted(names, key=str.casefold)


def test_bars_begin_where_reading_begins():
    left = bar(
        Fraction(3, 4), (Fraction(7, 10), Fraction(8, 10)), Fraction(9, 10), None, mirrored=False
    )
    right = bar(
        Fraction(3, 4), (Fraction(7, 10), Fraction(8, 10)), Fraction(9, 10), None, mirrored=True
    )
    assert (left.start, left.length, left.low, left.target) == (0.0, 75.0, 70.0, 90.0)
    assert (right.start, right.length, right.low, right.target) == (25.0, 75.0, 30.0, 10.0)
    assert left.parent is None


def test_a_trend_is_interrupted_where_nothing_is_known():
    points = [
        b.a_point("2018-01", 0.5),
        b.a_point("2018-02", None),
        b.a_point("2018-03", 0.6),
        b.a_point("2018-04", 0.7),
    ]
    drawn = trend(points, None, mirrored=False)
    assert drawn is not None
    assert len(drawn.lines) == 1
    assert len(drawn.dots) == 1
    assert trend(points[:2], None, mirrored=False) is None
    mirrored = trend(points, None, mirrored=True)
    assert mirrored is not None
    assert mirrored.last[0] == 120 - drawn.last[0]


def test_both_languages_have_the_same_texts_with_the_same_values():
    assert set(EN) == set(UR)

    def fields(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert {key: fields(text) for key, text in EN.items()} == {
        key: fields(text) for key, text in UR.items()
    }


def test_spans_are_written_in_the_shortest_true_words():
    en, ur = LANGUAGES["en"], LANGUAGES["ur"]
    assert en.span(date(2018, 1, 1), date(2018, 12, 31)) == "2018"
    assert en.span(date(2018, 3, 1), date(2018, 3, 31)) == "March 2018"
    assert en.span(date(2018, 1, 1), date(2019, 5, 31)) == "January 2018 to May 2019"
    assert en.span(date(2018, 3, 2), date(2018, 4, 15)) == "2 March 2018 to 15 April 2018"
    assert ur.span(date(2018, 1, 1), date(2019, 5, 31)) == "جنوری 2018 تا مئی 2019"
