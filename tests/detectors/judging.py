"""Builders for the tests of verdicts and incidents: short ways to say "day 3 breached"."""

from __future__ import annotations

from detectors.columns import StreamKey
from detectors.measurement import Measurement, Stage, Status, Track
from detectors.policy import Policy
from detectors.thresholds import Judgement, WindowRef

DAY_US = 86_400_000_000
STREAM = StreamKey("flights", "delay", "1")


def drop(point: float, half_width: float = 0.005, n: int = 5000, **changes: object) -> Measurement:
    """An AUC that lies ``point`` below its reference of 0.75."""
    fields: dict[str, object] = {
        "metric": "roc_auc",
        "value": 0.75 - point,
        "lower": 0.75 - point - half_width,
        "upper": 0.75 - point + half_width,
        "baseline": 0.75,
        "effect": point,
        "effect_lower": point - half_width,
        "effect_upper": point + half_width,
        "n": n,
        "direction": "lower_is_worse",
    }
    return Measurement(**(fields | changes))  # type: ignore[arg-type]


def auc_policy(**changes: object) -> Policy:
    fields: dict[str, object] = {
        "metric": "roc_auc",
        "family": "performance",
        "track": Track.HARM,
        "tolerance": 0.02,
        "open_after": 1,
        "clear_after": 2,
        "minimum_n": 60,
        "stage": Stage.LABELS,
    }
    return Policy(**(fields | changes))  # type: ignore[arg-type]


def day(number: int, **changes: object) -> WindowRef:
    fields: dict[str, object] = {
        "stream": STREAM,
        "start_us": number * DAY_US,
        "end_us": (number + 1) * DAY_US,
        "due_us": (number + 1) * DAY_US,
    }
    return WindowRef(**(fields | changes))  # type: ignore[arg-type]


def judged(
    number: int, what: str = "breach", metric: str = "roc_auc", subject: str = "", **changes: object
) -> Judgement:
    """The judgement of day ``number``: ``breach``, ``clear``, ``near`` (ok, not clear) or ``unknown``."""
    family = str(changes.pop("family", "performance"))
    track = changes.pop("track", Track.HARM if family in ("performance", "bias") else Track.HEALTH)
    assert isinstance(track, Track)
    bad = Status.CRITICAL if track is Track.HARM else Status.WARNING
    status = {"breach": bad, "clear": Status.OK, "near": Status.OK, "unknown": Status.INSUFFICIENT_DATA}[what]
    point = {"breach": 0.06, "clear": 0.0, "near": 0.018, "unknown": 0.0}[what]
    fields: dict[str, object] = {
        "stream": STREAM,
        "metric": metric,
        "subject": subject,
        "family": family,
        "track": track,
        "stage": Stage.LABELS if family in ("performance", "bias") else Stage.WINDOW,
        "window_start_us": number * DAY_US,
        "window_end_us": (number + 1) * DAY_US,
        "due_us": (number + 1) * DAY_US,
        "status": status,
        "reason": what,
        "measurement": drop(point, metric=metric, subject=subject),
        "tolerance": 0.02,
        "open_after": 1,
        "clear_after": 2,
        "clear": what == "clear",
    }
    return Judgement(**(fields | changes))  # type: ignore[arg-type]
