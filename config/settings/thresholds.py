"""``thresholds``: overrides of the shipped rules, by metric."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.section import Section

TrackName = Literal["harm", "health", "agent"]
SeverityName = Literal["critical", "warning", "info"]


class Threshold(Section):
    """What is changed of a metric's rule; everything left out stays as shipped (docs/statistics.md)."""

    tolerance: float | None = Field(default=None, ge=0)
    """Tolerated effect, in the units of the metric; at most its largest effect, which is 1 of shares and distances."""
    open_after: int | None = Field(default=None, ge=1, le=1000)
    """Breaching windows until the incident opens."""
    clear_after: int | None = Field(default=None, ge=1, le=1000)
    """Clear windows until the finding is gone."""
    minimum_n: int | None = Field(default=None, ge=1)
    """Fewer events or labels do not decide."""
    track: TrackName | None = None
    """``harm`` calls someone, ``health`` writes a ticket."""
    enabled: bool | None = None
    """``false``: the metric is measured and never decides; ``true`` for one model switches it on again there."""


class Severities(Section):
    """How loud an incident of each track is to its receivers."""

    harm: SeverityName = "critical"
    """Someone is called."""
    health: SeverityName = "warning"
    """Someone gets a ticket."""
    agent: SeverityName = "warning"
    """The agent's own troubles."""
