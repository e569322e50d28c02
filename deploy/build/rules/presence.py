"""Alerts about an agent that is away, hangs, cannot work, or met an error."""

from __future__ import annotations

from deploy.build.rules.promql import series
from deploy.build.rules.rule import Alert, Group
from deploy.build.rules.trial import AGENT_LABELS, OF_AGENT, Quiet, Trials

UP = f"up{{{AGENT_LABELS}}}"
BUILD = f'wachter_build_info{{{AGENT_LABELS}, version="1.0.0"}}'
READY = f"wachter_ready{{{AGENT_LABELS}}}"
LOOP = f"wachter_loop_timestamp_seconds{{{AGENT_LABELS}}}"
STUCK_SECONDS = 120

DOWN = Alert(
    "WachterDown",
    "critical",
    5,
    f"up == 0\nand on (job, instance)\npresent_over_time({series('wachter_build_info', '1d')})",
    "Wachter at {{ $labels.instance }} is down",
    "Prometheus cannot scrape it, and could within the last day. Its models are not watched unless another member has taken "
    "over.",
    Trials(
        firing={UP: "1x4 0x10", BUILD: "1x4 stale"},
        holds_from=5,
        labels=OF_AGENT,
        quiet=(
            Quiet("it is up", {UP: "1x20", BUILD: "1x20"}, 20),
            Quiet("another program is down", {'up{job="other", instance="b:80"}': "0x20", BUILD: "1x20"}, 20),
            Quiet("it was restarted", {UP: "1x4 0x2 1x20", BUILD: "1x4 stale _x2 1x20"}, 12),
        ),
    ),
)

ABSENT = Alert(
    "WachterAbsent",
    "critical",
    10,
    f"absent({series('wachter_build_info')})",
    "No Wachter is scraped",
    "Prometheus has no series of any agent: none runs, or none is among its targets. No model is watched.",
    Trials(
        firing={UP: "0x20"},
        holds_from=0,
        quiet=(
            Quiet(
                "one of two is there", {UP: "0x20", 'wachter_build_info{job="wachter", instance="b:9464"}': "1x20"}, 20
            ),
        ),
    ),
)

STUCK = Alert(
    "WachterStuck",
    "critical",
    2,
    f"time() - {series('wachter_loop_timestamp_seconds')} > {STUCK_SECONDS}",
    "Wachter at {{ $labels.instance }} hangs",
    "It answers scrapes, but its loop has not turned for {{ $value | humanizeDuration }}: what it shows is old.",
    Trials(
        firing={LOOP: "0x20"},
        holds_from=3,
        labels=OF_AGENT,
        value="5m 0s",
        quiet=(Quiet("it turns", {LOOP: "0+60x20"}, 20),),
    ),
)

NOT_READY = Alert(
    "WachterNotReady",
    "critical",
    15,
    f"{series('wachter_ready')} == 0",
    "Wachter at {{ $labels.instance }} is not ready",
    "It runs, but cannot work: no broker, no partitions, or a state or a log that cannot be written. /-/ready says which. "
    "Nothing is lost while Kafka keeps the records.",
    Trials(
        firing={READY: "1x4 0x30"},
        holds_from=5,
        labels=OF_AGENT,
        quiet=(
            Quiet("it is ready", {READY: "1x40"}, 40),
            Quiet("the broker was away for ten minutes", {READY: "1x4 0x10 1x20"}, 30),
        ),
    ),
)

FAILURES = Alert(
    "WachterUnexpectedFailures",
    "warning",
    1,
    f"sum by (job, instance, edge) (increase({series('wachter_failures_total', '15m')})) > 0",
    "Wachter at {{ $labels.instance }} met an error nobody foresaw ({{ $labels.edge }})",
    "It went on: a step is read again, a detector's window stays without its measures. The log has the traceback.",
    Trials(
        firing={f'wachter_failures_total{{{AGENT_LABELS}, edge="detector"}}': "0x4 1x30"},
        holds_from=5,
        labels={**OF_AGENT, "edge": "detector"},
        quiet=(
            Quiet("none", {f'wachter_failures_total{{{AGENT_LABELS}, edge="detector"}}': "0x60"}, 60),
            Quiet("it was an hour ago", {f'wachter_failures_total{{{AGENT_LABELS}, edge="detector"}}': "0x4 1x70"}, 65),
        ),
    ),
)

GROUP = Group("wachter-presence", (DOWN, ABSENT, STUCK, NOT_READY, FAILURES))
