"""MEXC spot, translated: bytes in, facts out; commands in, requests out."""
