"""The bytes of cells and presence."""

import numpy as np
import pytest

from services.indicators.cells import (
    PRESENCE,
    decode_presence,
    decode_rows,
    encode_presence,
    encode_rows,
    months_of,
    quarter_of,
    sum_presence,
)
from shared.domain.days import day_number, month_number, quarter_number


def test_rows_are_as_narrow_as_they_fit_and_come_back() -> None:
    rows = np.array(
        [
            [0, 0, 0],
            [1, -2, 32_767],
            [0, 0, 32_768],
            [-(2**31), 0, 2**31 - 1],
            [2**31, 0, -1],
            [-(2**40), 5, 2**40],
        ],
        np.int64,
    )
    blobs = encode_rows(rows)
    assert [None if blob is None else len(blob) for blob in blobs] == [None, 6, 12, 12, 24, 24]
    assert (decode_rows(blobs, 3) == rows).all()
    assert encode_rows(rows[:1], null=False) == [bytes(6)]
    assert blobs[1] == b"\x01\x00\xfe\xff\xff\x7f"


def test_no_rows() -> None:
    assert encode_rows(np.zeros((0, 3), np.int64)) == []
    assert decode_rows([], 3).shape == (0, 3)
    assert (decode_rows([None, None], 3) == 0).all()


@pytest.mark.parametrize("length", [1, 5, 7, 30])
def test_bytes_that_are_no_row(length: int) -> None:
    with pytest.raises(ValueError, match="no row"):
        decode_rows([bytes(length)], 3)


def test_presence_is_an_additive_multiset() -> None:
    one = np.array([(7, 17_600, 3, 1), (7, 17_601, 1, 1)], PRESENCE)
    other = np.array([(7, 17_600, 3, -1), (7, 17_600, 5, 2), (2, 17_600, 5, 1)], PRESENCE)
    joined = decode_presence([encode_presence(one), encode_presence(other)])
    expected = [(2, 17_600, 5, 1), (7, 17_600, 5, 2), (7, 17_601, 1, 1)]
    assert sum_presence(joined).tolist() == expected
    assert sum_presence(decode_presence([])).tolist() == []


def test_months_and_quarters_are_those_of_the_calendar() -> None:
    dates = np.array(
        ["1696-03-16", "1969-12-31", "1970-01-01", "2018-01-31", "2018-12-31", "2020-02-29"],
        "datetime64[D]",
    )
    days = np.array([day_number(date) for date in dates.tolist()], np.int32)
    assert months_of(days).tolist() == [month_number(date) for date in dates.tolist()]
    assert quarter_of(days).tolist() == [quarter_number(date) for date in dates.tolist()]
