"""Holds the order ledger against the exchanges, and tells what differs as facts."""
