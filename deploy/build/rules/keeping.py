"""Alerts about what the agent must keep: room on its disk, every record, its bounds, its settings."""

from __future__ import annotations

from agent.flow.watch import AGENT_STREAM
from deploy.build.rules.promql import AGENT, series
from deploy.build.rules.rule import Alert, Group, Record
from deploy.build.rules.trial import AGENT_LABELS, OF_AGENT, Quiet, Trials

FREE = "instance:wachter_disk_free_bytes:ratio"
FREE_LEAST = 0.1
DAY_SECONDS = 86_400
GIB = 2**30
OWN_INCIDENTS = series("wachter_incidents_open", system=AGENT_STREAM.system, model=AGENT_STREAM.model)


def _disk(free: str) -> dict[str, str]:
    return {
        f'wachter_disk_free_bytes{{{AGENT_LABELS}, directory="state"}}': free,
        f'wachter_disk_size_bytes{{{AGENT_LABELS}, directory="state"}}': f"{100 * GIB}x480",
    }


def _gap(records: str, incidents: str) -> dict[str, str]:
    stream = 'system="wachter", model="agent", version="", segment="", track="agent", severity="warning"'
    return {
        f"wachter_gap_records_total{{{AGENT_LABELS}}}": records,
        f"wachter_incidents_open{{{AGENT_LABELS}, {stream}}}": incidents,
    }


DISK_FILLING = Alert(
    "WachterDiskFilling",
    "warning",
    15,
    f"""\
{FREE} < {FREE_LEAST}
or
(
  {FREE} < 0.4
and
  predict_linear({FREE}[6h], {DAY_SECONDS}) < 0
)""",
    "The disk of Wachter at {{ $labels.instance }} is filling",
    "{{ $value | humanizePercentage }} are free; less than 10% is left, or it will be full within a day at the pace of the "
    "last six hours. When it is full, nothing is consumed until there is room.",
    Trials(
        firing=_disk(f"{39 * GIB}-{GIB // 20}x480"),
        holds_from=1,
        labels=OF_AGENT,
        value="38.2%",
        quiet=(
            Quiet("it fills slowly", _disk(f"{39 * GIB}-{GIB // 1000}x480"), 400),
            Quiet("there is much room, though it fills fast", _disk(f"{90 * GIB}-{GIB // 20}x480"), 400),
        ),
    ),
)

RECORDS_LOST = Alert(
    "WachterRecordsLost",
    "warning",
    1,
    f"""\
increase({series("wachter_gap_records_total", "15m")}) > 0
unless on (job, instance)
sum {AGENT} ({OWN_INCIDENTS}) > 0""",
    "Records were gone before Wachter at {{ $labels.instance }} read them",
    "Retention, or somebody, deleted them from the topic. Windows that held them are partial and decide nothing. The agent "
    "tells this as an incident of its own; this alert is for when a restart has ended that.",
    Trials(
        firing=_gap("0x4 500x30", "0x34"),
        holds_from=5,
        labels=OF_AGENT,
        quiet=(
            Quiet("none is missing", _gap("0x40", "0x40"), 40),
            Quiet("the agent tells it itself", _gap("0x4 500x30", "0x4 1x30"), 8),
        ),
    ),
)

BOUND_REACHED = Alert(
    "WachterBoundReached",
    "warning",
    5,
    f"increase({series('wachter_bound_reached_total', '1h', bound='!rejects')}) > 0",
    "Wachter at {{ $labels.instance }} has reached its bound of {{ $labels.bound }}",
    "Something was left out so that memory and disk stay within the settings. docs/metrics.md and the runbook say what each "
    "bound gives up.",
    Trials(
        firing={f'wachter_bound_reached_total{{{AGENT_LABELS}, bound="waiting_labels"}}': "0x4 3x30"},
        holds_from=5,
        labels={**OF_AGENT, "bound": "waiting_labels"},
        quiet=(
            Quiet("within it", {f'wachter_bound_reached_total{{{AGENT_LABELS}, bound="waiting_labels"}}': "0x60"}, 60),
            Quiet(
                "old rejects make room for new ones, as they should",
                {f'wachter_bound_reached_total{{{AGENT_LABELS}, bound="rejects"}}': "0+5x60"},
                60,
            ),
        ),
    ),
)

SERIES_DROPPED = Alert(
    "WachterSeriesDropped",
    "warning",
    15,
    f"{series('wachter_series_dropped')} > 0",
    "Wachter at {{ $labels.instance }} shows less than it measures",
    "{{ $value | humanize }} results have no series, because limits.max_series is reached. All are judged all the same.",
    Trials(
        firing={f"wachter_series_dropped{{{AGENT_LABELS}}}": "0x4 12x30"},
        holds_from=5,
        labels=OF_AGENT,
        value="12",
        quiet=(Quiet("all are shown", {f"wachter_series_dropped{{{AGENT_LABELS}}}": "0x40"}, 40),),
    ),
)

RELOAD_FAILED = Alert(
    "WachterReloadFailed",
    "warning",
    5,
    f"{series('wachter_config_last_reload_successful')} == 0\n"
    f"or {series('wachter_web_config_last_reload_successful')} == 0",
    "Wachter at {{ $labels.instance }} refused its new settings",
    "What was read before stays in force, of the settings or of the web config, and is lost with the next start, which will "
    "fail. wachter check names every mistake.",
    Trials(
        firing={f"wachter_config_last_reload_successful{{{AGENT_LABELS}}}": "1x4 0x30"},
        holds_from=5,
        labels=OF_AGENT,
        quiet=(
            Quiet("it took them", {f"wachter_config_last_reload_successful{{{AGENT_LABELS}}}": "1x40"}, 40),
            Quiet(
                "it took the web config", {f"wachter_web_config_last_reload_successful{{{AGENT_LABELS}}}": "1x40"}, 40
            ),
            Quiet("mended at once", {f"wachter_config_last_reload_successful{{{AGENT_LABELS}}}": "1x4 0x3 1x30"}, 11),
        ),
    ),
)

GROUP = Group(
    "wachter-keeping",
    (
        Record(FREE, f"min {AGENT} ({series('wachter_disk_free_bytes')} / {series('wachter_disk_size_bytes')})"),
        DISK_FILLING,
        RECORDS_LOST,
        BOUND_REACHED,
        SERIES_DROPPED,
        RELOAD_FAILED,
    ),
)
