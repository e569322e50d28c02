"""Predictions meet their labels.

joins    all panes that still matter; the search for copies
pane     one pane; logs: where it keeps its bytes
labels   labels on their way to their predictions, and their outcomes
pending  labels whose predictions are not known yet
"""
