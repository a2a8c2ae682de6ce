"""Partners that collect with ODK or KoboToolbox: their form, their hooks, their servers."""
