"""From a trader's words to an intent: levels, plans and sizes, all pure."""
