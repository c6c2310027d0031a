"""Builders and a model exchange: what tests and simulations of the engine are made of."""
