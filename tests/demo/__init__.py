"""Tests of the demonstration: its register, its visits, its loader, and the circular's figures."""
