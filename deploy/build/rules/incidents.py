"""Alerts about models, for those who do not let the agent push: one for each track, from the open incidents alone.

Names and labels are those of the alerts that the agent pushes, so routes fit both. The last value counts for 15 minutes
after the series has gone: an agent that is restarted must not call a second time. What a standby has open is of an earlier
ownership, and now the owner's to tell.
"""

from __future__ import annotations

from deploy.build.rules.promql import by, series
from deploy.build.rules.rule import Alert, Group, RuleFile
from deploy.build.rules.trial import STANDBY, Quiet, Trials
from detectors.measurement import Track
from exporters.notice import ALERT_NAMES

HEAD = """\
Incidents of models and of the agent, from wachter_incidents_open.
Load this file ONLY where the agent does not push to Alertmanager or to a pager itself: else a model pages twice."""

STREAM = ("job", "system", "model", "version", "segment", "track", "severity")
MEMORY = "15m"


def _alert(track: Track, severity: str, summary: str, description: str) -> Alert:
    open_incidents = series("wachter_incidents_open", MEMORY, track=track.value)
    trials = Trials(
        firing=_incidents(track, severity, "0x4 1 stale"),  # the agent is restarted, and what it said still counts
        holds_from=5,
        labels=_labels(track, severity),
        quiet=(
            Quiet("none is open", _incidents(track, severity, "0x40"), 40),
            Quiet("it is resolved", _incidents(track, severity, "1x20 0x20"), 30),
            Quiet("an agent that had none is gone", _incidents(track, severity, "0x20 stale"), 30),
            Quiet(
                "a standby had it when it was the owner",
                {**_incidents(track, severity, "1x40"), STANDBY: "1x40"},
                40,
            ),
            Quiet("one of another track is open", _incidents(_another(track), severity, "1x40"), 40),
        ),
    )
    expr = f"""\
max {by(*STREAM)} (
  last_over_time({open_incidents})
unless on (job, instance)
  last_over_time({series("wachter_source_state", MEMORY, state="standby")}) == 1
) > 0"""
    return Alert(ALERT_NAMES[track], None, 1, expr, summary, description, trials)


def _labels(track: Track, severity: str) -> dict[str, str]:
    return {
        "job": "wachter",
        "system": "lending",
        "model": "credit",
        "version": "1",
        "segment": "region=eu",
        "track": track.value,
        "severity": severity,
    }


def _incidents(track: Track, severity: str, values: str) -> dict[str, str]:
    labels = {**_labels(track, severity), "instance": "a:9464"}
    matchers = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return {f"wachter_incidents_open{{{matchers}}}": values}


def _another(track: Track) -> Track:
    return Track.HEALTH if track is Track.HARM else Track.HARM


HARM = _alert(
    Track.HARM,
    "critical",
    "{{ $labels.system }}/{{ $labels.model }} does harm",
    "An incident of harm is open for version {{ $labels.version }} {{ $labels.segment }}: its performance, its fairness or "
    "its data is out of tolerance, beyond doubt. The page of the agent says what, since when and for whom.",
)
HEALTH = _alert(
    Track.HEALTH,
    "warning",
    "{{ $labels.system }}/{{ $labels.model }} deserves a look",
    "A ticket is open for version {{ $labels.version }} {{ $labels.segment }}: something moved beyond its tolerance, "
    "without known harm. The page of the agent says what.",
)
AGENT = _alert(
    Track.AGENT,
    "warning",
    "Wachter is in trouble over {{ $labels.system }}/{{ $labels.model }}",
    "A model fell silent, the source cannot be read, or records were gone. The page of the agent says which.",
)

FILE = RuleFile("wachter-incidents", HEAD, (Group("wachter-incidents", (HARM, HEALTH, AGENT)),))
