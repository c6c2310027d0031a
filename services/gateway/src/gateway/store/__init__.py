"""The rows of the gateway in PostgreSQL, and what it reads of the published views of the order-engine."""
