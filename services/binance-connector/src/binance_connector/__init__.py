"""Translates Binance spot into order facts and order commands into Binance requests."""
