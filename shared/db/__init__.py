"""Databases: SQLite files and PostgreSQL schemas behind one small set of calls."""
