"""What a planted bug is, and the tests that judge it.

Owns the shape of an entry and the names of the judges; the entries are the other modules'.
"""

from __future__ import annotations

from dataclasses import dataclass

HAND = ("tests/flows/test_register_in_time.py", "tests/flows/test_reviews_in_figures.py")
RANDOM = ("tests/flows/test_figures_equal_the_oracle.py::test_visits_sent_in_batches[json]",)
FIGURES = (*HAND, *RANDOM)
CONSUMER = ("tests/contract/test_consumer.py",)
PURE = ("tests/unit/indicators_write", "tests/properties")
COMPARISONS = ("tests/flows/test_comparisons_equal_the_oracle.py",)
EVERYTHING = (
    "tests/flows/test_everything_equals_the_oracle.py::test_embedded_rebuilt_while_it_works",
)
VERIFICATION = ("tests/integration/test_verification.py",)
ESTIMATES = ("tests/integration/test_estimate_instants.py",)
PAST = ("tests/integration/test_as_known.py",)
WRITE = "services/indicators"


@dataclass(frozen=True)
class Bug:
    """One change of one file: `right` must stand there exactly once."""

    name: str
    path: str
    right: str
    wrong: str
    judges: tuple[str, ...] = FIGURES
