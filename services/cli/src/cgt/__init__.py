"""The cgt command: up, demo, translate, preview."""
