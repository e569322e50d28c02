"""A finding: one metric of one subject that is out of tolerance, and its counts of windows.

    (none) --breach--> pending --open_after breaches--> active --clear_after clear windows--> cleared
                       pending --ok--> (none)

``insufficient_data`` moves nothing. A window that is ok but not clear interrupts the clear count.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import msgspec

from detectors.measurement import Measurement, Stage, Status, Track
from detectors.thresholds import DISABLED, NEVER_DECIDES_RUNS, Judgement

NEVER_DECIDES = "never_decides"
SHOWN_DETAIL = frozenset({"bias", "agent"})
"""Families whose details are names (which two groups, which trouble). Those of others may be values of events, such as
unseen levels: they stay with the measurement and do not enter an incident."""
FindingKey = tuple[str, str]
"""Metric and subject."""


class FindingState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    CLEARED = "cleared"
    LATE = "late"
    """Learnt after its incident was resolved, about a window inside the incident's span."""


class Evidence(msgspec.Struct, frozen=True):
    """What a finding rests on: one window (or ``windows`` of them judged as one), and what was measured there."""

    window_start_us: int
    window_end_us: int
    due_us: int
    windows: int
    tolerance: float
    measurement: Measurement

    @property
    def strength(self) -> float:
        """Lower limit of the effect in tolerances: how surely, and how far, it is out of tolerance."""
        lower = self.measurement.effect_lower or 0.0
        return lower / self.tolerance if self.tolerance > 0 else lower


class Finding(msgspec.Struct, frozen=True):
    """See the module.

    Attributes:
        breaches: breaching windows in a row while pending.
        windows: all breaching windows since the finding began.
        clears: clear windows in a row since the last breach.
        since_due_us: when the first of its breaches was due.
        first_breach_start_us, last_breach_end_us: its span in event time.
        latest, worst: the last breach, and the one with the greatest ``strength``.
    """

    family: str
    metric: str
    subject: str
    stage: Stage
    state: FindingState
    breaches: int
    windows: int
    clears: int
    since_due_us: int
    first_breach_start_us: int
    last_breach_end_us: int
    latest: Evidence
    worst: Evidence

    @property
    def key(self) -> FindingKey:
        return self.metric, self.subject

    @property
    def name(self) -> str:
        return f"{self.metric} {self.subject}" if self.subject else self.metric


def key_of(judgement: Judgement) -> FindingKey:
    return judgement.metric, judgement.subject


def sort_key(judgement: Judgement) -> tuple[int, int, str, str]:
    """A total order of the judgements of one stream and due time."""
    return judgement.window_start_us, judgement.window_end_us, judgement.metric, judgement.subject


def breach_start_us(judgement: Judgement) -> int:
    """Where the judged time begins: the first window of the run."""
    return judgement.run[0] if judgement.run else judgement.window_start_us


def begun(judgement: Judgement) -> Finding:
    """A finding after its first breach, pending."""
    evidence = _evidence(judgement)
    return Finding(
        family=judgement.family,
        metric=judgement.metric,
        subject=judgement.subject,
        stage=judgement.stage,
        state=FindingState.PENDING,
        breaches=1,
        windows=1,
        clears=0,
        since_due_us=judgement.due_us,
        first_breach_start_us=breach_start_us(judgement),
        last_breach_end_us=judgement.window_end_us,
        latest=evidence,
        worst=evidence,
    )


def breached_again(finding: Finding, judgement: Judgement) -> Finding:
    """One more breaching window."""
    return joined(finding, begun(judgement))


def joined(finding: Finding, later: Finding) -> Finding:
    """A finding with what was learnt about the same metric and subject since; it keeps its own state."""
    return msgspec.structs.replace(
        finding,
        breaches=finding.breaches + later.breaches,
        windows=finding.windows + later.windows,
        clears=0,
        first_breach_start_us=min(finding.first_breach_start_us, later.first_breach_start_us),
        last_breach_end_us=max(finding.last_breach_end_us, later.last_breach_end_us),
        latest=max(finding.latest, later.latest, key=lambda evidence: evidence.window_end_us),
        worst=max(finding.worst, later.worst, key=lambda evidence: evidence.strength),
    )


def in_state(finding: Finding, state: FindingState) -> Finding:
    return msgspec.structs.replace(finding, state=state)


def after_ok(finding: Finding, judgement: Judgement) -> Finding:
    """An active finding after a window without a breach; windows before its last breach say nothing about its end."""
    if judgement.window_start_us < finding.last_breach_end_us:
        return finding
    clears = finding.clears + 1 if judgement.clear else 0
    state = FindingState.CLEARED if clears >= judgement.clear_after else finding.state
    return msgspec.structs.replace(finding, clears=clears, state=state)


def with_never_decides(judgement: Judgement) -> tuple[Judgement, ...]:
    """The judgement, and what it says about its metric's power to decide at all.

    Three runs without a verdict are a finding on the health track; the next verdict, or switching the metric off, ends it.
    """
    if judgement.undecided_runs >= NEVER_DECIDES_RUNS:
        return judgement, _companion(judgement, Status.WARNING)
    if judgement.reason == DISABLED:
        return judgement, _companion(judgement, Status.INSUFFICIENT_DATA)
    if judgement.status is Status.INSUFFICIENT_DATA:
        return (judgement,)
    return judgement, _companion(judgement, Status.OK)


def _companion(judgement: Judgement, status: Status) -> Judgement:
    return msgspec.structs.replace(
        judgement,
        metric=NEVER_DECIDES,
        subject=f"{judgement.metric} {judgement.subject}".strip(),
        track=Track.HEALTH,
        status=status,
        clear=status is Status.OK,
        open_after=1,
        clear_after=1,
        run=(),
    )


def _evidence(judgement: Judgement) -> Evidence:
    measurement = judgement.measurement
    if judgement.family not in SHOWN_DETAIL:
        measurement = replace(measurement, detail=())
    return Evidence(
        window_start_us=breach_start_us(judgement),
        window_end_us=judgement.window_end_us,
        due_us=judgement.due_us,
        windows=max(1, len(judgement.run)),
        tolerance=judgement.tolerance,
        measurement=measurement,
    )
