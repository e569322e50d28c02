"""What the agent writes into the event log, and the step that makes it durable.

``recorder.py`` collects the leaves of a step in the order in which things happened; ``journal.py`` appends them, signs
checkpoints at their cadence and goes back to what the state has recorded when a step fails.
"""
