"""Seals exchange API keys and lends them to the services that sign with them."""
