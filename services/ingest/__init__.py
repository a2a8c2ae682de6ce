"""Intake: visits, their corrections and reviews, the register of units and schools, targets."""
