"""Decides, fact by fact, which orders protect a bracket; owns the order ledger."""
