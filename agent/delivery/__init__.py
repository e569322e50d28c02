"""People get told: the outbox, one courier per address, and the HTTP behind it."""
