"""Tests of the Python client and of `rtsm send`."""
