"""The REST surface: one router per area, errors as problem+json, everything served in one ASGI app."""
