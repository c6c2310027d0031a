"""What a user may not risk: limits and kill switches, asked in the transaction that stores an intent."""
