"""The query parameters that several routes of figures take, and what they say of themselves.

Owns their descriptions and the question that the usual ones make; reading each is `asking`'s.
"""

from typing import Annotated

from fastapi import Depends, Query

from services.indicators.asking import Question, question, read_known_at
from services.indicators.replies import KNOWN_AT
from services.indicators.snapshots import Snapshot

EndingOf = Annotated[
    str | None, Query(description="the last day of a rolling period, default today")
]
ViewOf = Annotated[
    str | None, Query(description="as_was (default) or restated: today's tree throughout")
]
KnownAtOf = Annotated[str | None, Query(description=KNOWN_AT)]
SplitOf = Annotated[str | None, Query(description="a split of the indicator, default the total")]
DefinitionOf = Annotated[
    str | None, Query(description="a version of the definition, default the one in force")
]
SplitsOf = Annotated[str | None, Query(description="all or totals")]
IndicatorsOf = Annotated[
    str | None,
    Query(description="only these: codes by commas, code:version for an older definition"),
]
ByOf = Annotated[str | None, Query(description="month (default), quarter, year or school-year")]
SealOf = Annotated[
    str | None, Query(description="true for a seal, by which the figures can be checked later")
]
LangOf = Annotated[
    str | None, Query(description="en, ur or bn: adds label and split_label to every figure")
]
CursorOf = Annotated[str | None, Query(description="from the Link header")]


class Asked:
    """The query parameters that every figures question takes."""

    def __init__(
        self,
        period: Annotated[
            str | None,
            Query(description="2018, 2018-Q1, 2018-03, 2018-01..2019-05, days, last-30-days"),
        ] = None,
        ending: EndingOf = None,
        view: ViewOf = None,
        confidence: Annotated[
            str | None, Query(description="of the intervals, 0.5 to 0.999, default 0.90")
        ] = None,
        known_at: KnownAtOf = None,
    ) -> None:
        read_known_at(known_at)  # the snapshot is of that instant: see `known_by`
        self._asked = (period, ending, view, confidence)

    @property
    def ending(self) -> str | None:
        """The last day of a rolling period, as it was asked for."""
        return self._asked[1]

    def question(
        self, snapshot: Snapshot, since: str | None = None, received_until: str | None = None
    ) -> Question:
        """The question, checked; raises Problem 422."""
        return question(snapshot.today, *self._asked, since, received_until, years=snapshot.years)


Parameters = Annotated[Asked, Depends()]
