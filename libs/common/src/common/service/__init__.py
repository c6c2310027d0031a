"""What every service process shares: start and stop, supervised tasks, its HTTP face, and who may call it."""
