"""One order for every active account: who is meant is fixed first, each gets it once, and each has a receipt."""
