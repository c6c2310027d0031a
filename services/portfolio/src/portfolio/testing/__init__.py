"""Builders of facts, for tests of the portfolio."""
