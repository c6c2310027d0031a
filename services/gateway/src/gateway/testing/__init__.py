"""Builders and working fakes of what the gateway depends on, for its tests and those of who embeds it."""
