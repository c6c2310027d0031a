"""What tests of sync are made of: shipped, not copied."""
