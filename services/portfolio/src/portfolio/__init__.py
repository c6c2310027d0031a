"""Positions, closed trades, fees, equity and performance, kept from facts and rebuilt from topics."""
