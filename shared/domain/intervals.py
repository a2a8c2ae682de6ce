"""The one statistic of the product: Wilson's interval on an effective sample size.

The card shows the interval, an alert asks for the probability; both come from the same formula, so
they can never disagree: the upper end of the two-sided interval of confidence 2c - 1 lies below a
threshold exactly when `probability_below` is at least c. Source: E. B. Wilson, 1927; how the
effective size is found is the business of the indicators service.
"""

from math import sqrt
from statistics import NormalDist

_NORMAL = NormalDist()


def wilson(p: float, n_eff: float, confidence: float) -> tuple[float, float]:
    """Both ends (fractions 0..1) of Wilson's two-sided interval for a share `p` of `n_eff` answers.

    Raises ValueError when `n_eff` is not positive or `confidence` is not inside 0..1.
    """
    if n_eff <= 0 or not 0 < confidence < 1:
        raise ValueError("an interval needs answers and a confidence between 0 and 1")
    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    centre = p + z * z / (2 * n_eff)
    spread = z * sqrt(max(p * (1 - p), 0.0) / n_eff + z * z / (4 * n_eff * n_eff))
    scale = 1 + z * z / n_eff
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def probability_below(p: float, n_eff: float, threshold: float) -> float:
    """How sure the data make it that the true share lies below `threshold` (0..1).

    The dual of `wilson`: the confidence of the one-sided bound that just touches the threshold.
    With an infinite `n_eff` (a census) the answer is 1, 0, or 0.5 on the threshold itself.
    """
    if n_eff <= 0:
        raise ValueError("a probability needs answers")
    if p == threshold:
        return 0.5
    if n_eff == float("inf") or not 0 < threshold < 1:
        return 1.0 if p < threshold else 0.0
    return _NORMAL.cdf((threshold - p) / sqrt(threshold * (1 - threshold) / n_eff))
