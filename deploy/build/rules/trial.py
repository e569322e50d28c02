"""The cases of an alert, as promtool runs them: it fires, it waits for its ``for``, it stays quiet.

Series are written in promtool's notation, one value a minute from the epoch on: ``0+5x60`` grows by 5 for an hour, ``_`` is
a missing sample, ``stale`` ends a series.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AGENT_LABELS = 'job="wachter", instance="a:9464"'
"""What the series of the agent in the cases are labelled with."""
STANDBY = f'wachter_source_state{{{AGENT_LABELS}, state="standby"}}'
"""1 while it stands by."""
OF_AGENT = {"job": "wachter", "instance": "a:9464"}
"""The same, as labels of an alert."""

Series = Mapping[str, str]
"""Selector with all its labels to its values."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A situation in which the alert must not fire, and what it is."""

    why: str
    series: Series
    at_minutes: int


@dataclass(frozen=True, slots=True)
class Trials:
    """The cases of one alert.

    Attributes:
        firing: a situation in which it fires.
        holds_from: minute at which the expression holds for the first time in it; the edge of ``for`` lies from there.
        labels: of the alert, beside its name and its severity.
        value: how ``{{ $value ... }}`` reads when it has just begun to fire.
        quiet: situations in which it does not.
    """

    firing: Series
    holds_from: int
    quiet: tuple[Quiet, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
