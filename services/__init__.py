"""The four services and the places that put them together (app, cli)."""
