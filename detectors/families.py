"""The table of detectors: listing a family here is what makes it run, appear in the settings, the docs and the tests."""

from __future__ import annotations

from detectors.bias import Bias
from detectors.drift import Drift
from detectors.family import Family, InferenceTally, LabelTally
from detectors.measurement import Rule
from detectors.performance import Performance
from detectors.quality import Quality
from detectors.representativeness import Representativeness
from detectors.service import Service

FAMILIES: tuple[Family, ...] = (Quality(), Drift(), Performance(), Bias(), Service(), Representativeness())

MEASURES: frozenset[str] = frozenset(metric for family in FAMILIES for metric in family.measures)

RULES: dict[str, Rule] = {rule.metric: rule for family in FAMILIES for rule in family.rules}


def tallies_of(families: tuple[Family, ...]) -> tuple[tuple[InferenceTally, ...], tuple[LabelTally, ...]]:
    """Every tally that some family reads, once: those that count inference events, and those that count labels."""
    by_name = {tally.name: tally for family in families for tally in family.tallies}
    inferences = tuple(tally for tally in by_name.values() if tally.counts == "inferences")
    labelled = tuple(tally for tally in by_name.values() if tally.counts == "labelled")
    return inferences, labelled
