"""The Bitget connector: spot on Classic (v2) and unified (v3) accounts."""
