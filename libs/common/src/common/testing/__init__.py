"""Fakes, builders and fixtures for the tests of every package: shipped, not copied."""
