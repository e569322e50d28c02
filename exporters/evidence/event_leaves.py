"""Leaves of the records of one partition: inference, label and oversight events, and records that could not be read.

A leaf holds what identifies an event and what became of it; features, protected attributes and persons stand in the payload
only. What thousands of events have in common is written once, as a template with four slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import mod
from typing import NamedTuple

import msgspec

CLASSES = ("accepted", "late", "duplicate", "rejected")
ENVELOPES = ("undeclared", "inside", "outside")
ACCEPTED, LATE, DUPLICATE, REJECTED = range(4)
UNDECLARED, INSIDE, OUTSIDE = range(3)

ENCODER = msgspec.json.Encoder()


class Verdict(NamedTuple):
    """What became of an inference event, and what it said: the part of its leaf that many events share.

    Attributes:
        stream: system, model, version.
        outcome: one of ``CLASSES``; reason: why it was rejected, else empty.
        output: the declared class that was predicted; ``None`` for another one, and for a number.
        envelope: one of ``ENVELOPES``: whether a number left its declared operating range.
    """

    stream: tuple[str, str, str]
    outcome: str
    reason: str
    output: str | None
    envelope: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and when the records were read."""

    topic: str
    partition: int
    logged_us: int


def inference_leaves(
    origin: Origin,
    ids: Sequence[str],
    at_us: Sequence[int],
    offsets: Sequence[int],
    verdicts: Sequence[Verdict],
    verdict_of: Sequence[int],
    commitments: Sequence[bytes] | None,
) -> list[bytes]:
    """Leaves of n inference events.

    Args:
        verdicts: the distinct ones; verdict_of: n indices into them.
        commitments: n, as ``commitment.commitments`` gives them; ``None`` where no payload is kept.
    """
    templates = [_inference_template(origin, verdict, commitments is not None) for verdict in verdicts]
    rows = zip(texts(ids), at_us, offsets, _slots(commitments, len(ids)), strict=True)
    if len(templates) == 1:
        return list(map(templates[0].__mod__, rows))
    return list(map(mod, map(templates.__getitem__, verdict_of), rows))


def label_leaves(
    origin: Origin,
    ids: Sequence[str],
    refs: Sequence[str],
    at_us: Sequence[int],
    offsets: Sequence[int],
    commitments: Sequence[bytes] | None,
) -> list[bytes]:
    """Leaves of n label events."""
    template = (
        b'{"type":"label","id":%b,"ref":%b,"at":%d' + _source_template(origin) + _payload(commitments is not None)
    )
    rows = zip(texts(ids), texts(refs), at_us, offsets, _slots(commitments, len(ids)), strict=True)
    return list(map(template.__mod__, rows))


def oversight_leaves(
    origin: Origin,
    ids: Sequence[str],
    refs: Sequence[str],
    actions: Sequence[str],
    at_us: Sequence[int],
    offsets: Sequence[int],
    commitments: Sequence[bytes] | None,
) -> list[bytes]:
    """Leaves of n oversight events; who acted and why stands in their payloads."""
    template = b'{"type":"oversight","id":%b,"ref":%b,"action":%b,"at":%d' + _source_template(origin)
    template += _payload(commitments is not None)
    slots = _slots(commitments, len(ids))
    rows = zip(texts(ids), texts(refs), texts(actions), at_us, offsets, slots, strict=True)
    return list(map(template.__mod__, rows))


def unreadable_leaf(origin: Origin, offset: int, reason: str, size: int, commitment: bytes | None) -> bytes:
    """The leaf of a record that could not be read; ``size`` is its full length, its payload may hold less."""
    template = b'{"type":"record"' + _source_template(origin) + b',"class":"rejected","reason":%b,"size":%d'
    template += _payload(commitment is not None)
    return template % (offset, ENCODER.encode(reason), size, commitment or b"")


def texts(values: Sequence[str]) -> list[bytes]:
    """Each text as JSON. A lone surrogate, which is no UTF-8, becomes the text of its escape; the payload has it as sent."""
    try:
        return list(map(ENCODER.encode, values))
    except UnicodeEncodeError:
        return [ENCODER.encode(value.encode("utf-8", "backslashreplace").decode()) for value in values]


def _inference_template(origin: Origin, verdict: Verdict, commits: bool) -> bytes:
    stream, outcome, output, envelope = (
        _literal(part) for part in (verdict.stream, verdict.outcome, verdict.output, verdict.envelope)
    )
    reason = b',"reason":' + _literal(verdict.reason) if verdict.reason else b""
    return (
        b'{"type":"inference","id":%b,"at":%d,"logged":' + b"%d" % origin.logged_us + b',"stream":' + stream
        + b',"source":[' + _literal(origin.topic) + b"," + b"%d" % origin.partition + b',%d],"class":' + outcome
        + reason + b',"output":' + output + b',"envelope":' + envelope + _payload(commits)
    )  # fmt: skip


def _source_template(origin: Origin) -> bytes:
    """When it was logged, and where it was read; the offset is a slot."""
    return b',"logged":%d,"source":[' % origin.logged_us + _literal(origin.topic) + b",%d" % origin.partition + b",%d]"


def _payload(commits: bool) -> bytes:
    """The end of a template, with a slot in any case."""
    return b',"payload":"%b="}' if commits else b',"payload":null%b}'


def _slots(commitments: Sequence[bytes] | None, size: int) -> Sequence[bytes]:
    return [b""] * size if commitments is None else commitments


def _literal(value: object) -> bytes:
    """JSON that stands in a template as it is."""
    try:
        told = ENCODER.encode(value)
    except UnicodeEncodeError:
        told = ENCODER.encode(_escaped(value))
    return told.replace(b"%", b"%%")


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return [_escaped(part) for part in value] if isinstance(value, tuple) else value
