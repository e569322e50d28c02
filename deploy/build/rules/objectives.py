"""Objectives: predictions are answered, records are understood, events are in time.

They count events, never windows, so a burn rate means what it says. None of them repeats what Wachter judges itself: drift,
performance and bias call through incidents.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploy.build.rules.burning import FAST, SLOW, Counted, Objective
from deploy.build.rules.promql import TARGET
from deploy.build.rules.rule import Alert, Group, RuleFile
from deploy.build.rules.trial import AGENT_LABELS, OF_AGENT, Quiet, Trials

HEAD = """\
Objectives as burn rates over several windows. For everybody.
Change the targets by building the file anew: python -m deploy.build.rules --help"""

MODEL = f'{AGENT_LABELS}, system="lending", model="credit", version="1"'
OF_MODEL = {"job": "wachter", "system": "lending", "model": "credit"}


LEAST_TARGET = 0.94
"""Below it even a share of 1 burns less than ``FAST`` asks for."""


@dataclass(frozen=True)
class Targets:
    """Promised shares over 30 days.

    Raises:
        ValueError: a share leaves no budget, or so much of it that no event could burn it ``FAST``.
    """

    answered: float = 0.999
    understood: float = 0.99
    in_time: float = 0.99

    def __post_init__(self) -> None:
        for name, target in vars(self).items():
            if not LEAST_TARGET < target < 1:
                raise ValueError(f"{name}: {target:g} is no target; it must lie between {LEAST_TARGET} and 1, as 0.99")


def rule_file(targets: Targets) -> RuleFile:
    """The file of objectives."""
    return RuleFile(
        "wachter-objectives",
        HEAD,
        (_answered(targets.answered), _understood(targets.understood), _late(targets.in_time)),
    )


def _answered(target: float) -> Group:
    objective = Objective(
        "model:wachter_model_events_failed",
        ("job", "system", "model"),
        Counted("wachter_model_events_total", (("status", "error"),)),
        Counted("wachter_model_events_total"),
        target,
        fewest_bad=10,
    )
    fast = Alert(
        "WachterPredictionsFailingFast",
        "critical",
        2,
        objective.burns(FAST),
        "{{ $labels.system }}/{{ $labels.model }} answers with errors",
        f"{{{{ $value | humanizePercentage }}}} of its predictions fail, and {100 * target:.6g}% of them are promised to be "
        "answered. At this rate the budget of 30 days is gone within days.",
        Trials(
            firing=_predictions(ok="0+90x60", error="0+10x60"),
            holds_from=1,
            labels=OF_MODEL,
            value="10%",
            quiet=(
                Quiet("errors within the budget", _predictions(ok="0+9995x60", error="0+5x60"), 60),
                Quiet("it is over", _predictions(ok="0+90x60", error="0+10x25 250+0x35"), 60),
                Quiet("two errors among ten", _predictions(ok="0x29 8x30", error="0x29 2x30"), 45),
            ),
        ),
    )
    slow = Alert(
        "WachterPredictionsFailingSlowly",
        "warning",
        15,
        objective.burns(SLOW),
        "{{ $labels.system }}/{{ $labels.model }} uses up its budget of errors",
        f"{{{{ $value | humanizePercentage }}}} of its predictions fail, and {100 * target:.6g}% of them are promised to be "
        "answered. Nobody need be woken, but at this rate the budget of 30 days does not last.",
        Trials(
            firing=_predictions(ok="0+998x60", error="0+2x60"),
            holds_from=5,
            labels=OF_MODEL,
            value="0.2%",
            quiet=(
                Quiet("errors within the budget", _predictions(ok="0+9995x720", error="0+5x720"), 720),
                Quiet("it is over", _predictions(ok="0+998x720", error="0+2x300 600+0x420"), 720),
            ),
        ),
    )
    return Group("wachter-predictions-answered", (*objective.records(), fast, slow))


def _understood(target: float) -> Group:
    objective = _of_records("wachter_events_rejected", "wachter_events_rejected_total", target)
    alert = Alert(
        "WachterRejectedShareHigh",
        "warning",
        5,
        objective.burns((*FAST, *SLOW)),
        "{{ $labels.instance }} cannot place many of its records",
        "{{ $value | humanizePercentage }} of the records are rejected: they cannot be read, or belong to no model that is "
        "watched. What they say is missing from every window. wachter rejects list has them with their reasons.",
        Trials(
            firing=_records("wachter_events_rejected_total", "0+20x60", reason="bad_json"),
            holds_from=3,
            labels=OF_AGENT,
            value="20%",
            quiet=(
                Quiet(
                    "few in a thousand", _records("wachter_events_rejected_total", "0+0.5x60", reason="bad_json"), 60
                ),
                Quiet("none", _records("wachter_events_rejected_total", "0x60", reason="bad_json"), 60),
                Quiet(
                    "a burst that is over",
                    _records("wachter_events_rejected_total", "0+20x10 200+0x390", reason="bad_json"),
                    400,
                ),
            ),
        ),
    )
    return Group("wachter-records-understood", (*objective.records(), alert))


def _late(target: float) -> Group:
    objective = _of_records("wachter_events_late", "wachter_events_late_total", target)
    alert = Alert(
        "WachterLateShareHigh",
        "warning",
        5,
        objective.burns((*FAST, *SLOW)),
        "{{ $labels.instance }} gets many events too late",
        "{{ $value | humanizePercentage }} of the events came after their window was closed; they are logged, but count in "
        "no window. Producers are later than lateness allows, or a partition runs behind the others.",
        Trials(
            firing=_records("wachter_events_late_total", "0+20x60"),
            holds_from=3,
            labels=OF_AGENT,
            value="20%",
            quiet=(
                Quiet("few in a thousand", _records("wachter_events_late_total", "0+0.5x60"), 60),
                Quiet("a burst that is over", _records("wachter_events_late_total", "0+20x10 200+0x390"), 400),
            ),
        ),
    )
    return Group("wachter-events-in-time", (*objective.records(), alert))


def _of_records(name: str, bad: str, target: float) -> Objective:
    return Objective(
        f"instance:{name}", TARGET, Counted(bad), Counted("wachter_events_received_total"), target, fewest_bad=50
    )


def _predictions(ok: str, error: str) -> dict[str, str]:
    return {
        f'wachter_model_events_total{{{MODEL}, status="ok"}}': ok,
        f'wachter_model_events_total{{{MODEL}, status="error"}}': error,
    }


def _records(bad: str, values: str, **labels: str) -> dict[str, str]:
    more = "".join(f', {name}="{value}"' for name, value in labels.items())
    return {
        f"wachter_events_received_total{{{AGENT_LABELS}}}": "0+100x400",
        f"{bad}{{{AGENT_LABELS}{more}}}": values,
    }
