"""Alerts for education officers: rules, the life of an alert, and telling people about it."""
