"""The independent oracle: every figure from the client's log of accepted calls, by brute force.

It imports nothing of the product. Start at `tests.oracle.figures.figures`.
"""
