"""Cells and rows of foreign tables made into values, or into a reason and what to do; pure."""
