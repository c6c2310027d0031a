"""What the gateway asks of the sync service, and what it reads of it."""
