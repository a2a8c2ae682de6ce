"""Texts fit one SMS, show the side of the limit, and carry nothing harmful from data."""

import re
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify import words
from services.notify.messages import Item, item_from_json, item_json, mail, percent, sms, subject
from services.notify.segments import clean, fits, is_gsm, plain, segments, shorten, units

ITEM = Item(
    alert_id="a1",
    code="A7F3",
    unit_id="PK-BA-KAL",
    name="Kalat",
    urdu_name="قلات",
    indicator="teacher_attendance",
    split=None,
    numerator=61,
    denominator=100,
    limit="7/10",
    below=True,
    visits=34,
    schools=27,
    first_day="2018-02-08",
    last_day="2018-03-07",
    probability=0.97,
    since="2018-03-07",
    severity_rank=1,
)
ENDED = replace(ITEM, now=(76, 100), open_days=34)
LONG = "Government Girls Community Model Higher Secondary School Killi Haji Muhammad Hassan Cluster"
LONG_URDU = "گورنمنٹ گرلز کمیونٹی ماڈل ہائر سیکنڈری سکول کلی حاجی محمد حسن نوتیزئی کلسٹر"
STEPS = ("fire", "remind", "resolve", "rescind")


def test_the_plain_case_reads_well() -> None:
    assert sms("fire", [ITEM], "en") == (
        "RTSM alert A7F3. Kalat: teacher attendance 61% (limit 70%), "
        "34 visits to 27 schools, 8 Feb - 7 Mar."
    )
    assert sms("fire", [ITEM], "ur") == "A7F3 قلات: اساتذہ حاضری 61% (حد 70%)۔ 34 دورے"
    assert sms("resolve", [ENDED], "en") == (
        "RTSM A7F3 resolved. Kalat: teacher attendance 76%, was 61%. Open for 34 days."
    )


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("step", STEPS)
def test_every_wording_fits_one_sms_with_the_longest_names(step: str, language: str) -> None:
    splits = [None, "unspecified", "girls", "visitor_post:learning_coordinator"]
    names = [(LONG, LONG_URDU), ("ضلع " * 20, None), ("{[€]}" * 20, "€")]
    for indicator, split, (name, urdu), others in product(words.INDICATORS, splits, names, (0, 40)):
        item = replace(
            ENDED, indicator=indicator, split=split, name=name, urdu_name=urdu, numerator=69_999,
            denominator=100_000, visits=57_158, schools=13_999, severity_rank=2, open_days=1234,
        )  # fmt: skip
        text = sms(
            step, [item, *[replace(ITEM, code=f"B{n:03d}") for n in range(others)]], language
        )
        assert fits(text), text
        assert "A7F3" in text
        assert others == 0 or f"+{others}" in text


def test_the_worst_comes_first_and_the_others_are_counted() -> None:
    severe = replace(ITEM, code="C222", severity_rank=2, name="Mastung")
    lower = replace(ITEM, code="B222", numerator=40, name="Nushki")
    text = sms("fire", [ITEM, lower, severe], "en")
    assert text.startswith("RTSM alert C222. Mastung")
    assert text.endswith("+2 more: B222 A7F3")
    assert "Nushki" in mail("fire", [ITEM, lower, severe], "en", {})[0]


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (Fraction(61, 100), Fraction(7, 10), "61%"),
        (Fraction(699, 1000), Fraction(7, 10), "69.9%"),
        (Fraction(6996, 10000), Fraction(7, 10), "69.96%"),
        (Fraction(699_999, 1_000_000), Fraction(7, 10), "<70%"),
        (Fraction(704, 1000), Fraction(7, 10), "70.4%"),
        (Fraction(7, 10), Fraction(7, 10), "70%"),
        (Fraction(725, 1000), Fraction(72, 100), "73%"),
        (Fraction(723, 1000), Fraction(725, 1000), "72%"),
        (Fraction(5, 1000), None, "1%"),
        (Fraction(0), Fraction(1, 10), "0%"),
    ],
)
def test_rounding_never_hides_the_side(value: Fraction, limit: Fraction | None, text: str) -> None:
    assert percent(value, limit) == text


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 999))
def test_the_shown_number_is_on_the_true_side(up: int, down: int, thousandth: int) -> None:
    value, limit = Fraction(min(up, down), down), Fraction(thousandth, 1000)
    shown = percent(value, limit)
    if shown[0] not in "<>" and value != limit:
        number = Fraction(shown[:-1])
        assert (number < limit * 100) == (value < limit)
        assert number != limit * 100


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A" * 160, 1),
        ("A" * 161, 2),
        ("A" * 320, 3),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("ا" * 70, 1),
        ("ا" * 71, 2),
        ("ا" * 240, 4),
        ("€" * 80, 1),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("", 1),
    ],
)
def test_segments_as_a_gateway_counts_them(text: str, count: int) -> None:
    assert segments(text) == count


def test_one_non_breaking_space_does_not_double_the_price() -> None:
    assert not is_gsm("Kalat\u00a0East")
    assert is_gsm(plain("Kalat\u00a0East – “new” schools’ ć"))


HARMFUL = [
    "Kalat\r\nRCPT TO:<x@example.com>",
    "Kalat http://evil.example/a?b=c",
    "visit www.evil.com now",
    "evil.com",
    "evil。com/path",
    "HTTPS://EVIL.EXAMPLE",
    "a@b.example.pk",
    "Kal\u202eat\u2066",
    "Kalat\u0000\u0007\u001b[31m",
    "Kalat\u2028\u2029\u0085x",
    "<script>alert(1)</script>",
    "x" * 500,
    "\u0301" * 60,
    "mailto:x@y.z",
    "192.168.1.1",
]
LINK = re.compile(r"\w\.\w|://|www\.|mailto:", re.IGNORECASE)


@pytest.mark.parametrize("name", HARMFUL)
def test_names_cannot_smuggle(name: str) -> None:
    safe = clean(name)
    assert not LINK.search(safe)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069<>]", safe)
    for language in words.LANGUAGES:
        item = replace(ITEM, name=name, urdu_name=name)
        assert fits(sms("fire", [item], language))
        line = subject("fire", [item], language)
        assert "\n" not in line
        assert "\r" not in line
        assert "<script" not in mail("fire", [item], language, {})[1]


@given(st.text(max_size=80))
def test_any_name_is_safe(name: str) -> None:
    safe = clean(name)
    assert not re.search(r"\w[.。．｡]\w|://", safe)
    for language in words.LANGUAGES:
        text = sms("fire", [replace(ITEM, name=name or "-", urdu_name=name)], language)
        assert fits(text)
        assert "A7F3" in text


@given(st.text(max_size=60), st.integers(1, 50))
def test_shortening_never_splits_a_letter_from_its_marks(text: str, most: int) -> None:
    short = shorten(text, most)
    assert units(short) <= units(text) + 1
    assert short == text or short.endswith(".")


def test_mail_links_are_ours_and_escaped() -> None:
    links = {"a1": {"ack": 'https://x.example/a?b="&c', "card": "https://x.example/u"}}
    text, page = mail("fire", [replace(ITEM, name="A & B")], "en", links)
    assert 'Acknowledge: https://x.example/a?b="&c' in text
    assert "A &amp; B" in page
    assert "&quot;&amp;c" in page
    assert 'dir="rtl"' in mail("fire", [ITEM], "ur", links)[1]
    assert "97%" in text


def test_items_survive_storage() -> None:
    assert item_from_json(item_json(ENDED)) == ENDED
    assert item_from_json(item_json(ITEM)) == ITEM
