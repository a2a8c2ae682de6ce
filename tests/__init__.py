"""The project's tests; `support/` starts the real services they run against."""
