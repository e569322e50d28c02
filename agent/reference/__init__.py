"""Building a reference: reading rows from files or topics, choosing and counting them, comparing their chunks."""
