"""Leaves of everything that is no record of a partition: clocks, windows, incidents, acts, changes, starts and stops.

Each function gives one leaf: compact JSON, its keys in the documented order. ``commitment`` is what
``commitment.commitments`` gives for its document; times are microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exporters.evidence.event_leaves import ENCODER

Position = tuple[str, int, int]
"""Topic, partition, next offset."""


def clock_leaf(system: str, watermark_us: int, label_watermark_us: int, logged_us: int) -> bytes:
    """How far the event time of a system had come before what follows."""
    return _leaf("clock", system=system, watermark=watermark_us, label_watermark=label_watermark_us, logged=logged_us)


def window_leaf(
    stream: Sequence[str],
    stage: str,
    span_us: tuple[int, int, int],
    n: int,
    partial: bool,
    verdicts: Mapping[str, int],
    lines: int,
    logged_us: int,
    commitment: bytes,
) -> bytes:
    """A measured window.

    Args:
        stream: system, model, version, segment.
        span_us: start, end, and when it was due.
        n: events it rests on, of the measure that rests on most.
        verdicts: how many measures were judged how.
        lines: measurements, one a line of the document.
    """
    start, end, due = span_us
    return _leaf(
        "window", stream=list(stream), stage=stage, start=start, end=end, due=due, n=n, partial=partial,
        logged=logged_us, verdicts=dict(verdicts), lines=lines, payload=_text(commitment),
    )  # fmt: skip


def incident_leaf(
    incident: str, stream: Sequence[str], track: str, kind: str, at_us: int, logged_us: int, commitment: bytes
) -> bytes:
    """A transition of an incident; the document is its record as it then stood."""
    return _leaf(
        "incident", incident=incident, stream=list(stream), track=track, kind=kind, at=at_us, logged=logged_us,
        payload=_text(commitment),
    )  # fmt: skip


def act_leaf(
    incident: str,
    kind: str,
    actor: str,
    at_us: int,
    logged_us: int,
    outcome: str,
    commitment: bytes,
    until_us: int | None = None,
) -> bytes:
    """What a person did to an incident, and what became of it; the document is the comment. Only a silence has an end."""
    until = {} if until_us is None else {"until": until_us}
    return _leaf(
        "act", incident=incident, kind=kind, actor=actor, at=at_us, logged=logged_us, outcome=outcome,
        payload=_text(commitment), **until,
    )  # fmt: skip


def settings_leaf(old: str | None, new: str, logged_us: int, boundary: Mapping[str, int], commitment: bytes) -> bytes:
    """Other settings from here on; digests are SHA-256 of the documents, ``boundary`` the label watermark by system."""
    return _leaf("settings", old=old, new=new, logged=logged_us, boundary=dict(boundary), payload=_text(commitment))


def reference_leaf(
    model: tuple[str, str, str | None], old: str | None, new: str, logged_us: int, commitment: bytes
) -> bytes:
    """Another reference of a model, or of one version of it; the document is the file."""
    return _leaf("reference", model=list(model), old=old, new=new, logged=logged_us, payload=_text(commitment))


def start_leaf(version: str, logged_us: int, positions: Sequence[Position]) -> bytes:
    """The agent begins and reads on from these positions."""
    return _leaf("start", version=version, logged=logged_us, positions=[list(one) for one in positions])


def stop_leaf(logged_us: int, reason: str) -> bytes:
    """The agent ends."""
    return _leaf("stop", logged=logged_us, reason=reason)


def takeover_leaf(logged_us: int, positions: Sequence[Position], commitment: bytes) -> bytes:
    """Another member read before: reading begins again at these positions, and offsets may come a second time.

    The document is what that member had committed: JSON, ``[[topic, partition, offset, note], ...]``.
    """
    return _leaf("takeover", logged=logged_us, positions=[list(one) for one in positions], payload=_text(commitment))


def gap_leaf(source: tuple[str, int], from_offset: int, to_offset: int, cause: str, logged_us: int) -> bytes:
    """Offsets [from, to) were not read; where the cause is ``cut_back``, reading goes back from ``from`` to ``to``."""
    return _leaf(
        "gap", **{"source": list(source), "from": from_offset, "to": to_offset, "cause": cause}, logged=logged_us
    )


def idle_leaf(source: tuple[str, int], logged_us: int, since_us: int) -> bytes:
    """A partition counts as idle from here on; since when it has stood at its end."""
    return _leaf("idle", source=list(source), logged=logged_us, since=since_us)


def _leaf(type_: str, **fields: object) -> bytes:
    return ENCODER.encode({"type": type_, **fields})


def _text(commitment: bytes) -> str:
    return commitment.decode() + "="
