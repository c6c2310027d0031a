"""The control API: what a person, a test or a benchmark does to the exchange from outside the market."""
