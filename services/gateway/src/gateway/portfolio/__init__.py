"""What the portfolio service publishes, and how the API shows it."""
