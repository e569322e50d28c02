"""Alerts about an agent that is away, stands still, or falls behind."""

from __future__ import annotations

from deploy.build.rules.promql import AGENT, series
from deploy.build.rules.rule import Alert, Group, Record
from deploy.build.rules.trial import Quiet, Trials

TARGET = 'job="wachter", instance="a:9464"'
OF_AGENT = {"job": "wachter", "instance": "a:9464"}
UP = f"up{{{TARGET}}}"
BUILD = f'wachter_build_info{{{TARGET}, version="1.0.0"}}'
READY = f"wachter_ready{{{TARGET}}}"

LAG = "instance:wachter_partition_lag_records:sum"
SPEED = "instance:wachter_partition_next_offset:deriv15m"
BEHIND_SECONDS = 300
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
        firing={f"wachter_loop_timestamp_seconds{{{TARGET}}}": "0x20"},
        holds_from=3,
        labels=OF_AGENT,
        value="5m 0s",
        quiet=(Quiet("it turns", {f"wachter_loop_timestamp_seconds{{{TARGET}}}": "0+60x20"}, 20),),
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


def _partition(number: int, lag: str, position: str, paused: str = "0x60") -> dict[str, str]:
    labels = f'{{{TARGET}, topic="events", partition="{number}"}}'
    return {
        f"wachter_partition_lag_records{labels}": lag,
        f"wachter_partition_next_offset{labels}": position,
        f"wachter_partition_paused{labels}": paused,
    }


NOT_CONSUMING = Alert(
    "WachterNotConsuming",
    "critical",
    10,
    f"sum {AGENT} (changes({series('wachter_partition_next_offset', '5m')})) == 0\nand\n{LAG} > 0",
    "Wachter at {{ $labels.instance }} reads nothing",
    "Records wait in its partitions, and none of its positions has moved for 15 minutes.",
    Trials(
        firing=_partition(0, lag="9+10x60", position="50x60"),
        holds_from=0,
        labels=OF_AGENT,
        quiet=(
            Quiet("nothing waits", _partition(0, lag="0x60", position="50x60"), 60),
            Quiet("it reads", _partition(0, lag="900x60", position="50+10x60"), 60),
        ),
    ),
)

PARTITION_STALLED = Alert(
    "WachterPartitionStalled",
    "warning",
    15,
    f"""\
(
  changes({series("wachter_partition_next_offset", "15m")}) == 0
and
  {series("wachter_partition_lag_records")} > 0
unless
  {series("wachter_partition_paused")} == 1
)
and on (job, instance)
sum {AGENT} (changes({series("wachter_partition_next_offset", "15m")})) > 0""",
    "{{ $labels.topic }}/{{ $labels.partition }} stands still at {{ $labels.instance }}",
    "Records wait in this partition while others are read. Windows wait for it until it counts as idle; what it holds comes "
    "late then.",
    Trials(
        firing={**_partition(0, lag="9+1x60", position="50x60"), **_partition(1, lag="0x60", position="50+9x60")},
        holds_from=1,
        labels={**OF_AGENT, "topic": "events", "partition": "0"},
        quiet=(
            Quiet(
                "it waits for the others",
                {
                    **_partition(0, lag="9+1x60", position="50x60", paused="1x60"),
                    **_partition(1, lag="0x60", position="50+9x60"),
                },
                60,
            ),
            Quiet(
                "nothing is read at all, which WachterNotConsuming says",
                {**_partition(0, lag="9+1x60", position="50x60"), **_partition(1, lag="9+1x60", position="50x60")},
                60,
            ),
        ),
    ),
)

LAG_GROWING = Alert(
    "WachterLagGrowing",
    "warning",
    15,
    f"""\
{LAG} / ({SPEED} > 0) > {BEHIND_SECONDS}
and
deriv({LAG}[15m]) > 0""",
    "Wachter at {{ $labels.instance }} falls behind",
    "At its speed it needs {{ $value | humanizeDuration }} for what waits, and that grows. Verdicts come later and later, and "
    "records are lost once retention passes its position.",
    Trials(
        firing=_partition(0, lag="30000+600x60", position="0+600x60"),
        holds_from=1,
        labels=OF_AGENT,
        value="1h 6m 0s",
        quiet=(
            Quiet("it catches up", _partition(0, lag="60000-600x60", position="0+600x60"), 40),
            Quiet("little waits", _partition(0, lag="10+1x60", position="0+600x60"), 40),
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
        firing={f'wachter_failures_total{{{TARGET}, edge="detector"}}': "0x4 1x30"},
        holds_from=5,
        labels={**OF_AGENT, "edge": "detector"},
        quiet=(
            Quiet("none", {f'wachter_failures_total{{{TARGET}, edge="detector"}}': "0x60"}, 60),
            Quiet("it was an hour ago", {f'wachter_failures_total{{{TARGET}, edge="detector"}}': "0x4 1x70"}, 65),
        ),
    ),
)

GROUPS = (
    Group(
        "wachter-consuming",
        (
            Record(LAG, f"sum {AGENT} ({series('wachter_partition_lag_records')})"),
            Record(SPEED, f"sum {AGENT} (deriv({series('wachter_partition_next_offset', '15m')}))"),
            DOWN,
            ABSENT,
            STUCK,
            NOT_READY,
            NOT_CONSUMING,
            PARTITION_STALLED,
            LAG_GROWING,
            FAILURES,
        ),
    ),
)
