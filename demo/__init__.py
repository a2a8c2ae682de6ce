"""The demonstration: Balochistan in 2018 and 2019, as the monitoring circular tells it.

Owns a made-up register and made-up visits whose figures round to the circular's, and the loader
that sends them through the public API. Everything in it is generated from a seed; no school,
person or visit is real. Serving and the command line are left to `services`.
"""
