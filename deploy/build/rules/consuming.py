"""Alerts about records that wait: nothing is read, one partition stands still, the agent falls behind."""

from __future__ import annotations

from deploy.build.rules.promql import AGENT, series
from deploy.build.rules.rule import Alert, Group, Record
from deploy.build.rules.trial import AGENT_LABELS, OF_AGENT, Quiet, Trials

LAG = "instance:wachter_partition_lag_records:sum"
SPEED = "instance:wachter_partition_next_offset:deriv15m"
BEHIND_SECONDS = 300


def _partition(number: int, lag: str, position: str, paused: str = "0x60") -> dict[str, str]:
    labels = f'{{{AGENT_LABELS}, topic="events", partition="{number}"}}'
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
    "At its speed it needs {{ $value | humanizeDuration }} for what waits, and that grows. Verdicts come later and later, "
    "and records are lost once retention passes its position.",
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

GROUP = Group(
    "wachter-consuming",
    (
        Record(LAG, f"sum {AGENT} ({series('wachter_partition_lag_records')})"),
        Record(SPEED, f"sum {AGENT} (deriv({series('wachter_partition_next_offset', '15m')}))"),
        NOT_CONSUMING,
        PARTITION_STALLED,
        LAG_GROWING,
    ),
)
