"""The evidence behind a figure, held against it: what counts adds up to the oracle's integers.

Owns the sums of its rows; the reasons of what is left out are held against the oracle by
`tests/flows/test_evidence`.
"""

from __future__ import annotations

from tests.oracle.paging import Row


def _summed(rows: list[Row]) -> tuple[int, ...]:
    """Numerator, denominator, visits and schools of the rows that count."""
    counted = [row for row in rows if row["counted"]]
    schools = {row["school_code"] for row in counted}
    numerator = sum(row["numerator"] for row in counted)
    return numerator, sum(row["denominator"] or 0 for row in counted), len(counted), len(schools)


def unlike(rows: list[Row], figure: Row) -> list[str]:
    """What the rows that count add up to otherwise than the oracle's figure."""
    names = ("numerator", "denominator", "visits", "schools")
    wanted = tuple(figure[name] or 0 for name in names)
    found = _summed(rows)
    if figure["indicator"] in {"schools_known", "coverage"}:  # the denominator is the register's
        wanted, found = (wanted[0], *wanted[2:]), (found[0], *found[2:])
    return [] if found == wanted else [f"evidence adds up to {found}, expected {wanted}"]
