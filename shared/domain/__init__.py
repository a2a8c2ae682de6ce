"""The vocabulary of the domain that several services share; no I/O, no clock, no framework."""
