"""Every metric family, once: exposition, documentation, rules and dashboards derive from this table."""

from typing import Any

from exporters.families.agent import OUTBOX, PROCESS
from exporters.families.family import MetricFamily, Sample, StreamRow
from exporters.families.journey import JOURNEY, SOURCE
from exporters.families.log import LOG
from exporters.families.measures import MEASURE_FAMILIES, SERIES_DROPPED
from exporters.families.models import MODEL_FAMILIES

FAMILIES = (*PROCESS, *JOURNEY, *SOURCE, *LOG, *OUTBOX, *MODEL_FAMILIES)
"""Families read from the snapshot as a whole; their number of series is bounded by the settings."""

ALL_FAMILIES: tuple[MetricFamily[Any], ...] = (*FAMILIES, *MEASURE_FAMILIES, SERIES_DROPPED)

__all__ = [
    "ALL_FAMILIES",
    "FAMILIES",
    "MEASURE_FAMILIES",
    "SERIES_DROPPED",
    "MetricFamily",
    "Sample",
    "StreamRow",
]
