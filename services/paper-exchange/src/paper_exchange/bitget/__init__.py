"""Bitget spot as its reference describes it: v2 for Classic accounts, the spot part of v3 for unified ones."""
