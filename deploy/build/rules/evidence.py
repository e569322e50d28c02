"""Alerts about the event log: it cannot be written, is not signed, or its checkpoints are not copied."""

from __future__ import annotations

from deploy.build.rules.promql import series
from deploy.build.rules.rule import Alert, Group
from deploy.build.rules.trial import AGENT_LABELS, OF_AGENT, Quiet, Trials

UNWRITABLE = f"wachter_log_unwritable{{{AGENT_LABELS}}}"
COPIES_FAILED = f"wachter_log_copies_failed_total{{{AGENT_LABELS}}}"


def _log(entries: str, signed: str) -> dict[str, str]:
    return {
        f"wachter_log_entries_total{{{AGENT_LABELS}}}": entries,
        f"wachter_log_signed_timestamp_seconds{{{AGENT_LABELS}}}": signed,
    }


LOG_UNWRITABLE = Alert(
    "WachterLogUnwritable",
    "critical",
    2,
    f"{series('wachter_log_unwritable')} == 1",
    "Wachter at {{ $labels.instance }} cannot write its event log",
    "Nothing is consumed until it can: what is not logged is not acknowledged. Nothing is lost while Kafka keeps the "
    "records.",
    Trials(
        firing={UNWRITABLE: "0x4 1x10"},
        holds_from=5,
        labels=OF_AGENT,
        quiet=(
            Quiet("it can", {UNWRITABLE: "0x20"}, 20),
            Quiet("it could not for a minute", {UNWRITABLE: "0x4 1x1 0x20"}, 8),
            Quiet("nothing is logged", {f"wachter_ready{{{AGENT_LABELS}}}": "1x20"}, 20),
        ),
    ),
)

CHECKPOINT_OLD = Alert(
    "WachterCheckpointOld",
    "warning",
    5,
    f"""\
increase({series("wachter_log_entries_total", "15m")}) > 0
and
{series("wachter_log_entries_total")}
unless
time() - {series("wachter_log_signed_timestamp_seconds")} < 900""",
    "Wachter at {{ $labels.instance }} signs its event log no more",
    "Entries are written, but no checkpoint was signed for 15 minutes: what came since is not protected against changes.",
    Trials(
        firing=_log("0+100x40", "0+60x9 540x30"),
        holds_from=24,
        labels=OF_AGENT,
        quiet=(
            Quiet("checkpoints are signed", _log("0+100x40", "0+60x40"), 40),
            Quiet("nothing new is there to sign", _log("0+100x9 900x60", "0+60x9 540x60"), 60),
            Quiet("the agent is gone, as others say", _log("0+100x9 stale", "0+60x9 stale"), 24),
        ),
    ),
)

NOT_COPIED = Alert(
    "WachterCheckpointNotCopied",
    "warning",
    30,
    f"increase({series('wachter_log_copies_failed_total', '15m')}) > 0",
    "Copies of the checkpoints of {{ $labels.instance }} do not arrive",
    "A receiver of copies has refused them for half an hour. A copy elsewhere is what nobody who holds this machine can "
    "rewrite.",
    Trials(
        firing={COPIES_FAILED: "0+6x60"},
        holds_from=1,
        labels=OF_AGENT,
        quiet=(
            Quiet("they arrive", {COPIES_FAILED: "0x60"}, 60),
            Quiet("the receiver was restarted", {COPIES_FAILED: "0x4 9x60"}, 40),
        ),
    ),
)

GROUP = Group("wachter-evidence", (LOG_UNWRITABLE, CHECKPOINT_OLD, NOT_COPIED))
