"""The public record of an incident: one JSON object, as in ``incidents.jsonl`` and over HTTP.

docs/incidents.md describes every field. Times are ISO 8601 in UTC. The order of keys is fixed, so equal incidents have
equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from detectors.explanation import explain, headline, iso, ranked
from detectors.findings import Evidence, Finding
from detectors.incident import SEVERITIES, Entry, Incident, Moved, fingerprint
from detectors.measurement import Track

Record = dict[str, object]
RECORD_VERSION = "1"


def to_json(incident: Incident, severities: Mapping[Track, str] = SEVERITIES) -> Record:
    """The record of one incident; see docs/incidents.md.

    Args:
        incident: in any state.
        severities: how loud each track is, where the settings say it.
    """
    acknowledged, silenced = incident.acknowledged, incident.silenced
    return {
        "record_version": RECORD_VERSION,
        "id": incident.id,
        "fingerprint": fingerprint(incident.stream, incident.track),
        "episode": incident.episode,
        "stream": incident.stream._asdict(),
        "track": incident.track.value,
        "severity": severities[incident.track],
        "state": incident.state.value,
        "headline": headline(incident),
        "first_due_at": iso(incident.first_due_us),
        "opened_at": iso(incident.opened_us),
        "resolved_at": _iso_or_none(incident.resolved_us),
        "first_breach_start": iso(incident.first_breach_start_us),
        "last_breach_end": iso(incident.last_breach_end_us),
        "acknowledged": {"actor": acknowledged.actor, "at": iso(acknowledged.at_us)} if acknowledged else None,
        "silenced": {"actor": silenced.actor, "at": iso(silenced.at_us), "until": iso(silenced.until_us)}
        if silenced
        else None,
        "findings": [_finding(finding) for finding in ranked(incident)],
        "moved": [_moved(row) for row in incident.moved],
        "explanation": list(explain(incident)),
        "timeline": [_entry(entry) for entry in incident.timeline],
        "timeline_omitted": incident.timeline_omitted,
    }


def lines(incidents: Iterable[Incident], severities: Mapping[Track, str] = SEVERITIES) -> Iterator[bytes]:
    """``incidents.jsonl``: one line per incident, by first due time, stream, fingerprint and episode."""
    encoder = msgspec.json.Encoder()
    for incident in sorted(incidents, key=order):
        yield encoder.encode(to_json(incident, severities)) + b"\n"


def order(incident: Incident) -> tuple[int, tuple[str, ...], str, int]:
    """The sort key of ``incidents.jsonl``."""
    stream = incident.stream
    return incident.first_due_us, tuple(stream), fingerprint(stream, incident.track), incident.episode


def _finding(finding: Finding) -> Record:
    return {
        "family": finding.family,
        "metric": finding.metric,
        "subject": finding.subject,
        "state": finding.state.value,
        "stage": finding.stage.value,
        "breaching_windows": finding.windows,
        "clear_windows": finding.clears,
        "first_breach_start": iso(finding.first_breach_start_us),
        "last_breach_end": iso(finding.last_breach_end_us),
        "worst": _evidence(finding.worst),
        "latest": _evidence(finding.latest),
    }


def _evidence(evidence: Evidence) -> Record:
    measured = evidence.measurement
    return {
        "window_start": iso(evidence.window_start_us),
        "window_end": iso(evidence.window_end_us),
        "due_at": iso(evidence.due_us),
        "windows": evidence.windows,
        "n": measured.n,
        "value": measured.value,
        "lower": measured.lower,
        "upper": measured.upper,
        "baseline": measured.baseline,
        "effect": measured.effect,
        "effect_lower": measured.effect_lower,
        "effect_upper": measured.effect_upper,
        "tolerance": evidence.tolerance,
        "detail": dict(measured.detail),
    }


def _moved(row: Moved) -> Record:
    return {
        "metric": row.metric,
        "subject": row.subject,
        "window_start": iso(row.window_start_us),
        "value": row.value,
        "effect_lower": row.lower,
        "tolerance": row.tolerance,
    }


def _entry(entry: Entry) -> Record:
    return {
        "at": iso(entry.at_us),
        "kind": entry.kind.value,
        "reason": entry.reason,
        "findings": list(entry.findings),
        "actor": entry.actor,
        "text": entry.text,
        "until": _iso_or_none(entry.until_us),
    }


def _iso_or_none(us: int | None) -> str | None:
    return None if us is None else iso(us)
