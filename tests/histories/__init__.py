"""Histories: random but valid runs of client calls, and the player that makes the calls.

`generator` makes them, `forms` fills visits, `register` moves schools, `player` plays them.
"""
