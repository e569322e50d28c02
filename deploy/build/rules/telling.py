"""Alerts about people who are not told, and the watchdog that ends when the whole chain is broken."""

from __future__ import annotations

from deploy.build.rules.promql import AGENT, series
from deploy.build.rules.rule import Alert, Group
from deploy.build.rules.trial import AGENT_LABELS, OF_AGENT, STANDBY, Quiet, Trials

WAITING = f"time() - {series('wachter_outbox_oldest_timestamp_seconds')}"
UNLESS_STANDBY = f"unless on (job, instance)\n{series('wachter_source_state', state='standby')} == 1"
"""A standby is silent: what waits in its outbox is of an earlier ownership."""
OF_RECEIVER = {**OF_AGENT, "receiver": "oncall"}
OLDEST = f'wachter_outbox_oldest_timestamp_seconds{{{AGENT_LABELS}, receiver="oncall"}}'
HARM = (
    f'wachter_incidents_open{{{AGENT_LABELS}, system="lending", model="credit", version="1", segment="", track="harm",'
    ' severity="critical"}'
)
FAILED = f'wachter_deliveries_total{{{AGENT_LABELS}, receiver="oncall", outcome="failed"}}'

STUCK = Alert(
    "WachterOutboxStuck",
    "warning",
    5,
    f"{WAITING} > 600\n{UNLESS_STANDBY}",
    "{{ $labels.receiver }} takes no messages from {{ $labels.instance }}",
    "The oldest has waited for {{ $value | humanizeDuration }}. It is kept and tried again; nobody has read it.",
    Trials(
        firing={OLDEST: "0x40"},
        holds_from=11,
        labels=OF_RECEIVER,
        value="16m 0s",
        quiet=(
            Quiet("each waits for a minute", {OLDEST: "0+60x40"}, 40),
            Quiet("nothing waits", {OLDEST: "0x3 stale"}, 40),
            Quiet("it stands by", {OLDEST: "0x40", STANDBY: "1x40"}, 40),
        ),
    ),
)

HARM_NOT_TOLD = Alert(
    "WachterHarmNotTold",
    "critical",
    2,
    f"""\
{WAITING} > 300
and on (job, instance)
sum {AGENT} ({series("wachter_incidents_open", track="harm")}) > 0
{UNLESS_STANDBY}""",
    "A model does harm, and {{ $labels.receiver }} cannot be told by {{ $labels.instance }}",
    "A message has waited for {{ $value | humanizeDuration }} while an incident of harm is open. Whoever reads this is the "
    "first to know: look at the open incidents, then at the receiver.",
    Trials(
        firing={OLDEST: "0x40", HARM: "1x40"},
        holds_from=6,
        labels=OF_RECEIVER,
        value="8m 0s",
        quiet=(
            Quiet("no harm is done", {OLDEST: "0x40", HARM: "0x40"}, 40),
            Quiet("it stands by", {OLDEST: "0x40", HARM: "1x40", STANDBY: "1x40"}, 40),
            Quiet("the message was taken", {OLDEST: "0x3 stale", HARM: "1x40"}, 40),
        ),
    ),
)

REFUSED = Alert(
    "WachterMessageRefused",
    "warning",
    1,
    f"increase({series('wachter_deliveries_total', '1h', outcome='failed')}) > 0",
    "{{ $labels.receiver }} refused a message of {{ $labels.instance }} for good",
    "It will not be tried again. The address, the key or the form is wrong; the log of the agent has the answer.",
    Trials(
        firing={FAILED: "0x4 1x30"},
        holds_from=5,
        labels={**OF_RECEIVER, "outcome": "failed"},
        quiet=(
            Quiet("it takes them", {FAILED: "0x40"}, 40),
            Quiet("it will be tried again", {FAILED.replace("failed", "retried"): "0+1x40"}, 40),
        ),
    ),
)

WATCHDOG = Alert(
    "WachterWatchdog",
    "info",
    1,
    "count(up == 1) > 0",
    "Alerts reach you",
    "This one always fires while Prometheus scrapes anything. Send it to a dead man's switch: when it ends, no other alert "
    "will reach anybody.",
    Trials(
        firing={f"up{{{AGENT_LABELS}}}": "1x20"},
        holds_from=0,
        quiet=(Quiet("Prometheus scrapes nothing", {f"up{{{AGENT_LABELS}}}": "0x20"}, 20),),
    ),
)

GROUP = Group("wachter-telling", (STUCK, HARM_NOT_TOLD, REFUSED, WATCHDOG))
