"""The bugs to plant: where, what instead of what, and which tests must notice.

Owns the list. Those with a number are of the fault plan's own list of bugs that a harness must
catch, as far as they can touch a figure; the others are folds that are wrong in one meaning.
"""

from __future__ import annotations

from tests.mutants.delivery import DELIVERY
from tests.mutants.meaning import STOCKS, VISITS
from tests.mutants.placing import REGISTER
from tests.mutants.telling import TRUTH

BUGS = (*DELIVERY, *VISITS, *STOCKS, *REGISTER, *TRUTH)
