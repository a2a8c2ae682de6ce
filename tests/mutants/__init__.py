"""Planted bugs, each of which must make a test fail: `python -m tests.mutants`."""
