"""The forms in which a card leaves the house."""
