"""What a rule is: a recorded series or an alert, in groups, in files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deploy.build.rules.trial import Trials

Severity = Literal["critical", "warning", "info"]
"""critical: somebody is called now. warning: somebody gets a ticket. info: nobody is disturbed."""


@dataclass(frozen=True, slots=True)
class Record:
    """A series that Prometheus computes, named ``level:metric:operations``."""

    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; its name is also the heading of its section in the runbooks.

    Attributes:
        severity: ``None`` where the series carries it as a label.
        wait_minutes: how long the expression must hold before the alert fires (``for``).
        summary: one line that says what is wrong with what.
        description: what it means and where to look; may use ``{{ $labels.NAME }}`` and ``{{ $value ... }}``.
        trials: the cases that promtool runs.
    """

    name: str
    severity: Severity | None
    wait_minutes: int
    expr: str
    summary: str
    description: str
    trials: Trials


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated in order, at one time."""

    name: str
    rules: tuple[Record | Alert, ...]


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One shipped file; ``head`` tells its reader who should load it."""

    name: str
    head: str
    groups: tuple[Group, ...]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Its alerts, in order."""
        return tuple(rule for group in self.groups for rule in group.rules if isinstance(rule, Alert))
