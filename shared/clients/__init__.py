"""Thin clients by which the services ask one another, and the types of the answers."""
