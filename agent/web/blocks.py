"""The last 24 hours of event time as blocks: which stream had an open incident, hour by hour."""

from __future__ import annotations

from collections.abc import Sequence

from agent.web.html import Html, join, render, table
from agent.web.shell import scroll
from agent.web.times import HOUR_US
from detectors.columns import StreamKey
from exporters.snapshot import IncidentView, Snapshot

HOURS = 24
MOST_STREAMS = 40
LOUDNESS = ("critical", "warning", "info")
"""Severities, the loudest first."""


def event_time_us(snapshot: Snapshot, system: str) -> int:
    """How far the event time of a system has come; the agent's clock before its first event."""
    known = (facts.watermark_us for facts in snapshot.systems if facts.system == system)
    return next((at_us for at_us in known if at_us is not None), snapshot.at_us)


def last_hours(snapshot: Snapshot) -> Html:
    """A row per stream, those with incidents first."""
    keys = sorted({stream.key for stream in snapshot.streams} | {one.stream for one in snapshot.incidents})
    rows = [(key, _hours(snapshot, key)) for key in keys]
    rows.sort(key=lambda row: -sum(bool(severity) for severity in row[1]))
    shown = [(str(key), _blocks(severities), _said(severities)) for key, severities in rows[:MOST_STREAMS]]
    head = ("Stream", f"{HOURS} hours until now", "In words")
    return scroll(table(head, shown, "No stream has been seen yet."), "The last 24 hours by stream")


def _hours(snapshot: Snapshot, key: StreamKey) -> list[str]:
    """The loudest severity that was open in each hour, the oldest first; empty where none was."""
    end_us = event_time_us(snapshot, key.system) // HOUR_US * HOUR_US + HOUR_US
    mine = [incident for incident in snapshot.incidents if incident.stream == key]
    return [_loudest(mine, end_us - (HOURS - at) * HOUR_US) for at in range(HOURS)]


def _loudest(incidents: Sequence[IncidentView], hour_us: int) -> str:
    held = {i.severity for i in incidents if _is_open_in(i, hour_us, hour_us + HOUR_US)}
    return next((severity for severity in LOUDNESS if severity in held), "")


def _is_open_in(incident: IncidentView, start_us: int, end_us: int) -> bool:
    return incident.opened_us < end_us and (incident.resolved_us is None or incident.resolved_us > start_us)


def _blocks(severities: Sequence[str]) -> Html:
    cells = join((render('<i class="{}"></i>', severity or "none") for severity in severities), "")
    return render('<span class="blocks" aria-hidden="true">{}</span>', cells)


def _said(severities: Sequence[str]) -> str:
    counts = [(severity, severities.count(severity)) for severity in LOUDNESS if severity in severities]
    return ", ".join(f"{name} in {count} h" for name, count in counts) or "no incident"
