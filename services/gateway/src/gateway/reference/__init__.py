"""Writes docs/api.md: where everything of the API is, and the test that proves it."""
