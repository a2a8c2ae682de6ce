"""People looking at visits: the queue, its decisions, the right of reply, the monitors' table."""
