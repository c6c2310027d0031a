"""A matching engine that speaks the exchanges own protocols, for dry runs and for our tests."""
