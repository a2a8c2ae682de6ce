"""What at least two services use: plumbing and the words of the domain.

Knows no indicator's formula and no message's wording.
"""
