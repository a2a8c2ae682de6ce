"""How the distributed deployment is put together: one origin in front of four services."""
