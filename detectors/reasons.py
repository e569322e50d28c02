"""Why a measure has no value, or must not decide: every name, once.

What decides after all, if more events come, is carried into the run of undecided windows (thresholds.py); for the rest eight
windows are no better than one.
"""

from __future__ import annotations

BEYOND_THE_CELLS = "beyond_the_cells"
INTERVAL_TOO_WIDE = "interval_too_wide"
NO_GROUPS = "no_declared_groups"
NO_LABELS = "no_labels"
NO_LATENCY = "no_latency"
NO_PREDICTIONS = "no_predictions"
NO_REFERENCE = "no_reference"
NO_REFERENCE_VALUES = "no_reference_values"
NO_SPREAD = "no_spread"
NO_SPREAD_IN_REFERENCE = "no_spread_in_reference"
NO_VALUES = "no_values"
NOT_MEASURED = "not_measured"
PROVISIONAL = "provisional"
SELECTIVE = "labels_selective"
SHORT_HISTORY = "short_history"
SINGLE_CELL = "single_cell"
SMALL_CELL = "small_cell"
TOO_FEW_EVENTS = "too_few_events"
TOO_FEW_LABELS = "too_few_labels"
TOO_FEW_PER_GROUP = "too_few_per_group"
TOO_FEW_SUBJECTS = "too_few_subjects"
ZERO_DENOMINATOR = "zero_denominator"

CURED_BY_MORE_EVENTS = frozenset(
    {
        INTERVAL_TOO_WIDE,
        NO_SPREAD,
        SMALL_CELL,
        TOO_FEW_EVENTS,
        TOO_FEW_LABELS,
        TOO_FEW_PER_GROUP,
        TOO_FEW_SUBJECTS,
        ZERO_DENOMINATOR,
    }
)
"""Reasons for which adding the next window may help."""

NOT_CURED_BY_MORE_EVENTS = frozenset(
    {
        BEYOND_THE_CELLS,
        NO_GROUPS,
        NO_REFERENCE,
        NO_REFERENCE_VALUES,
        NO_SPREAD_IN_REFERENCE,
        NOT_MEASURED,
        PROVISIONAL,
        SELECTIVE,
        SHORT_HISTORY,
        SINGLE_CELL,
    }
)
"""Reasons that lie in the reference, in the settings, or in which labels come."""

NOTHING_TO_ADD = frozenset({NO_LABELS, NO_LATENCY, NO_PREDICTIONS, NO_VALUES})
"""The window is empty for this measure. It is skipped, as an empty window is: a run has windows that hold something."""
