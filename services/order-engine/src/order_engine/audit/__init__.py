"""Proof by replay: the topics, decided again by the production engine, and what does not come out the same."""
