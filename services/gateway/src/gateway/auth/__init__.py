"""Who is calling: registration, passwords, access tokens and rotating refresh tokens."""
