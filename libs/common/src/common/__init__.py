"""The language (frozen types, no I/O) and the machinery of Crypto Graph Trader."""
