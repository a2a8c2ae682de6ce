"""Trust signals against an oracle of their own, and the people who review by them."""
