"""Macroeconomic indicators of FRED, fetched on schedule and kept for whoever asks."""
