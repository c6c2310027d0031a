"""The matching core: accounts, markets, orders and lists; pure, deterministic, and ignorant of any protocol."""
