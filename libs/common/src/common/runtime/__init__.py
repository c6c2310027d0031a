"""Starts what the system runs on, and the system itself, as separate processes of one machine."""
