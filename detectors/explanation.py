"""What an incident says to people: one sentence, and the ranked list behind it.

No raw value of an event appears here: only names of columns, classes and groups, and numbers about windows.
"""

from __future__ import annotations

from datetime import UTC, datetime

from detectors.findings import NEVER_DECIDES, Evidence, Finding, FindingState
from detectors.incident import Incident, Moved
from detectors.measurement import Measurement
from detectors.names import capitalised, is_shortfall, number, spoken, tolerance

FAMILY_ORDER = ("performance", "bias", "quality", "service", "drift")
_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000


def headline(incident: Incident) -> str:
    """One sentence: what broke, where, from what to what, when, and the tolerance."""
    leading = ranked(incident)[0]
    sentence = describe(leading, str(incident.stream))
    others = len(incident.active) - 1 if leading.state is FindingState.ACTIVE else 0
    return f"{sentence}; {others} more finding{'s' if others > 1 else ''}" if others > 0 else sentence


def explain(incident: Incident) -> tuple[str, ...]:
    """The findings, most telling first, then what else moved in the same windows."""
    findings = tuple(describe(finding) for finding in ranked(incident))
    return (*findings, *(_describe_moved(row) for row in incident.moved))


def ranked(incident: Incident) -> tuple[Finding, ...]:
    """Active findings first; impact before drift; columns by the lower limit of their deciding measure."""
    return tuple(sorted(incident.findings, key=_rank))


def describe(finding: Finding, stream: str = "") -> str:
    """One finding in a sentence about its worst window."""
    evidence = finding.worst
    where = f" of {stream}" if stream else ""
    if finding.family == "agent":
        text = ", ".join(text for _, text in evidence.measurement.detail)
        return f"{capitalised(spoken(finding.metric))}{where}{': ' + text if text else ''}"
    if finding.metric == NEVER_DECIDES:
        return f"{_named_subject(finding)}{where} cannot be judged: windows are too small for its tolerance"
    what = f"{capitalised(spoken(finding.metric))}{_subject(finding)}{where}"
    parts = (f"{what} {_change(evidence.measurement)}", _interval(evidence.measurement), f"in {period(evidence)}")
    groups = _groups(finding)
    return f"{' '.join(part for part in parts if part)}; {tolerance(finding.metric, evidence.tolerance)}{groups}"


def period(evidence: Evidence) -> str:
    """The judged time as a person would say it."""
    start, end = evidence.window_start_us, evidence.window_end_us
    if evidence.windows > 1:
        return f"the {evidence.windows} windows from {_minute(start)} to {_minute(end)}"
    if end - start == _DAY_US and start % _DAY_US == 0:
        return f"the day of {_minute(start)[:10]}"
    if end - start == _HOUR_US:
        return f"the hour from {_minute(start)}"
    return f"the window from {_minute(start)} to {_minute(end)}"


def iso(us: int) -> str:
    """Microseconds since the epoch as ISO 8601 in UTC, always with six decimals."""
    return _moment(us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _rank(finding: Finding) -> tuple[bool, bool, int, float, str, str]:
    evidence = finding.latest if finding.state is FindingState.ACTIVE else finding.worst
    family = FAMILY_ORDER.index(finding.family) if finding.family in FAMILY_ORDER else len(FAMILY_ORDER)
    lower = evidence.measurement.effect_lower or 0.0
    strength = lower if finding.family == "drift" else evidence.strength
    never = finding.metric == NEVER_DECIDES
    return finding.state is not FindingState.ACTIVE, never, family, -strength, finding.metric, finding.subject


def _subject(finding: Finding) -> str:
    return f" ({finding.subject})" if finding.subject else ""


def _named_subject(finding: Finding) -> str:
    metric, _, subject = finding.subject.partition(" ")
    return f"{capitalised(spoken(metric))}{f' ({subject})' if subject else ''}"


def _change(measured: Measurement) -> str:
    if measured.value is None:
        return "broke its tolerance"
    if measured.baseline is None or measured.baseline == measured.value:
        return f"is {number(measured.value)}"
    verb = "fell" if measured.value < measured.baseline else "rose"
    return f"{verb} from {number(measured.baseline)} to {number(measured.value)}"


def _interval(measured: Measurement) -> str:
    if measured.lower is None or measured.upper is None:
        return ""
    return f"({number(measured.lower)} to {number(measured.upper)}, n = {measured.n})"


def _groups(finding: Finding) -> str:
    return "".join(f"; {name.replace('_', ' ')} {text}" for name, text in finding.worst.measurement.detail)


def _describe_moved(row: Moved) -> str:
    subject = f" ({row.subject})" if row.subject else ""
    value = f" {number(row.value)}," if row.value is not None else ""
    lacks = " lacks" if is_shortfall(row.metric) else ""
    size = f"{value}{lacks} at least {number(row.lower)}; {tolerance(row.metric, row.tolerance)}"
    return f"Moved with it: {spoken(row.metric)}{subject}{size}"


def _minute(us: int) -> str:
    moment = _moment(us)
    return moment.strftime("%Y-%m-%dT%H:%MZ" if us % 60_000_000 == 0 else "%Y-%m-%dT%H:%M:%SZ")


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)
