"""Figures of every unit, kept exact from visits and register: projector, cells, answers."""
