"""What a listener has yet to be told: merged, bounded, and never told twice."""

from random import Random

from services.indicators.stream import Listener, Moved
from shared.clients.figure_answers import AsOf

FRESH: AsOf = {"as_of": "2018-03-05T04:40:00Z", "lag_seconds": 0.0, "version": "1"}


def listener(*units: str) -> Listener:
    watched = {unit: frozenset({unit}) for unit in units} or None
    return Listener("me", watched, 10, FRESH)


def moved(*units: str, first: str = "2018-03-05", last: str = "2018-03-05") -> Moved:
    return Moved(list(units), first, last)


def test_what_came_while_the_reader_was_slow_is_one_notice() -> None:
    page = listener("D1", "P")
    page.hear(11, "D1", moved("C1", "D1", "P", first="2018-03-07", last="2018-03-09"))
    page.hear(12, "D2", moved("C2", "D2", "P"))
    notice = page.take()
    assert notice is not None
    assert (notice.units, notice.position) == (["D1", "P"], 12)
    assert (notice.first_day, notice.last_day) == ("2018-03-05", "2018-03-09")
    assert page.take() is None


def test_nothing_is_heard_twice_and_nothing_of_others() -> None:
    page = listener("D1")
    page.hear(10, "D1", moved("D1"))
    page.hear(11, "D2", moved("D2", "P"))
    assert page.take() is None
    page.hear(12, "D1", moved("D1"))
    page.hear(12, "D1", moved("D1"))
    assert page.take() is not None
    assert page.take() is None


def test_a_listener_to_everything_never_grows() -> None:
    everything, rng = listener(), Random(1)
    for position in range(11, 50_000):
        district = f"D{rng.randrange(10_000)}"
        everything.hear(position, district, moved(district))
        assert len(everything._units) <= 200
    notice = everything.take()
    assert notice is not None
    assert (notice.units, notice.first_day, notice.position) == (None, None, 49_999)
    everything.hear(50_000, "D1", moved("D1"))
    after = everything.take()
    assert after is not None
    assert after.units == ["D1"]
