"""What survives: the store and its transaction, and what is known between two steps.

store     schema, lock, transaction
ledger    positions, watermarks, counters, lanes, streams
panes     tables of panes
volumes   events of whole models, by window
rejects   records that were set aside
acts      what people asked for
"""
