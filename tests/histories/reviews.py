"""What people decide about visits, and the calls that must change nothing.

Owns exclusions, inclusions and releases of visits in any state (02 §3), and calls in vain: a
decision taken before, a form sent again as a correction, a revision that is no longer the newest.
"""

from __future__ import annotations

import copy
from random import Random

from tests.histories.state import Operation, Sent, State

DECISIONS = ("exclude", "exclude", "include", "release")


def _moves(sent: Sent, decision: str) -> bool:
    """Whether the decision changes how the visit stands."""
    if sent.withdrawn:
        return False
    if decision == "release":
        return sent.early and not sent.released
    return sent.excluded == (decision == "include")


def review(rng: Random, state: State) -> Operation | None:
    """A decision that changes a visit, whether it counts, waits or was left out before."""
    decision = rng.choice(DECISIONS)
    sent = state.some(rng, lambda v: _moves(v, decision))
    if sent is None:
        return None
    if decision == "release":
        sent.released = True
    else:
        sent.excluded = decision == "exclude"
    return sent.call("review", decision=decision)


def in_vain(rng: Random, state: State) -> Operation | None:
    """A call about a visit after which everything is as it was."""
    sent = state.some(rng, lambda v: True)
    if sent is None:
        return None
    form = copy.deepcopy(sent.form)
    if sent.withdrawn:
        return rng.choice(
            (sent.call("gone_review", decision=rng.choice(DECISIONS)), sent.call("withdrawn_again"))
        )
    if rng.random() < 0.4:
        return sent.call("same", form=form)
    if rng.random() < 0.5:
        form["remarks"] = "written against an older revision"
        return sent.call("stale", form=form)
    decided = [d for d in DECISIONS if not _moves(sent, d)]
    return sent.call("decided", decision=rng.choice(decided))
