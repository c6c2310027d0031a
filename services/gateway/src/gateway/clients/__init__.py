"""The internal HTTP APIs the gateway asks: the vault and the connectors."""
