"""What a leaf of the log says: the shapes of all types, as they are read. The writing side is ``leaves.py``.

A leaf is one compact JSON object whose first member, ``type``, names its shape. Times are microseconds since
1970-01-01T00:00Z: ``at`` by the event, ``logged`` by the agent's clock. ``payload`` is the commitment, SHA-256(salt ||
payload bytes) in base64, to what lies beside the log; ``None`` where nothing does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from config.errors import EvidenceError

Source: TypeAlias = tuple[str, int, int]
"""Topic, partition, offset of the record."""
Commitment: TypeAlias = bytes | None
"""32 bytes, in JSON as base64."""
Envelope: TypeAlias = Literal["inside", "outside", "undeclared"]
GapCause: TypeAlias = Literal["retention", "not_delivered", "cut_back"]


class _Leaf(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, gc=False):
    """Common to all: when the agent wrote it down."""

    logged: int


class Inference(_Leaf, tag="inference"):
    """One inference event. ``output`` is the class where it is a declared one; ``reason`` only where it was rejected."""

    id: str
    at: int
    stream: tuple[str, str, str]
    source: Source
    class_: Literal["accepted", "late", "duplicate", "rejected"] = msgspec.field(name="class")
    output: str | None
    envelope: Envelope
    payload: Commitment
    reason: str | None = None


class Record(_Leaf, tag="record"):
    """A record that could not be read; the payload holds its first ``KEPT_BYTES``, ``size`` is its full length."""

    source: Source
    class_: Literal["rejected"] = msgspec.field(name="class")
    reason: str
    size: int
    payload: Commitment


class Label(_Leaf, tag="label"):
    """A label event about the prediction ``ref``."""

    id: str
    ref: str
    at: int
    source: Source
    payload: Commitment


class Oversight(_Leaf, tag="oversight"):
    """What a person did about the prediction ``ref``; who and why stand in the payload."""

    id: str
    ref: str
    action: Literal["reviewed", "overridden", "stopped"]
    at: int
    source: Source
    payload: Commitment


class Clock(_Leaf, tag="clock"):
    """How far event time had come, before what follows."""

    system: str
    watermark: int
    label_watermark: int


class Window(_Leaf, tag="window"):
    """A judged window; the payload holds the lines of its measurements."""

    stream: tuple[str, str, str, str]
    stage: str
    start: int
    end: int
    due: int
    n: int
    partial: bool
    verdicts: dict[str, int]
    lines: int
    payload: Commitment


class Incident(_Leaf, tag="incident"):
    """A transition of an incident."""

    incident: str
    stream: list[str]
    track: str
    kind: str
    at: int
    payload: Commitment


class Act(_Leaf, tag="act"):
    """What a person did about an incident; ``until`` is the end of a silence."""

    incident: str
    kind: str
    actor: str
    at: int
    outcome: str
    payload: Commitment
    until: int | None = None


class Settings(_Leaf, tag="settings"):
    """New settings, by digest; ``boundary`` is the watermark of each system from which they hold."""

    old: str | None
    new: str
    boundary: dict[str, int]
    payload: Commitment


class Reference(_Leaf, tag="reference"):
    """A new reference of a model, or of one version of it; the payload is the file."""

    model: tuple[str, str, str | None]
    old: str | None
    new: str
    payload: Commitment


class Start(_Leaf, tag="start"):
    """The agent begins; reading goes on at these positions."""

    version: str
    positions: list[Source]


class Stop(_Leaf, tag="stop"):
    """The agent ends."""

    reason: str


class Takeover(_Leaf, tag="takeover"):
    """Reading begins anew here; offsets may be left out, or come again. The payload: what the member before committed."""

    positions: list[Source]
    payload: Commitment


class Gap(_Leaf, tag="gap"):
    """The records [from, to) of a partition were never read; ``cut_back``: offsets from ``to`` on come again."""

    source: tuple[str, int]
    from_: int = msgspec.field(name="from")
    to: int
    cause: GapCause


class Idle(_Leaf, tag="idle"):
    """A partition no longer holds event time back."""

    source: tuple[str, int]
    since: int


class Retention(_Leaf, tag="retention"):
    """A shard was removed as a whole, at this size and root."""

    shard: str
    size: int
    root: bytes


class Hold(_Leaf, tag="hold"):
    """These shards are kept until the hold is released."""

    hold: str
    shards: list[str]
    actor: str
    reason: str


class Release(_Leaf, tag="release"):
    """A hold has ended."""

    hold: str
    shards: list[str]
    actor: str
    reason: str


class Erasure(_Leaf, tag="erasure"):
    """Payloads are gone for good; the document says which."""

    actor: str
    erased: int
    payload: Commitment


class Access(_Leaf, tag="access"):
    """Somebody was shown, by the agent, what payloads hold: the examples of an incident, or a report about it."""

    actor: str
    what: str
    detail: str


class Key(_Leaf, tag="key"):
    """The signing key is exchanged; both public keys, as lines of ``log.vkey``."""

    old: str
    new: str
    actor: str


class Shard(_Leaf, tag="shard"):
    """The first entry of a shard: the last checkpoint of the one before."""

    previous: str | None
    note: str | None


class CheckpointLeaf(_Leaf, tag="checkpoint"):
    """A checkpoint was signed; a note that is missing is noticed by it."""

    size: int
    root: bytes


Leaf: TypeAlias = (
    Inference
    | Record
    | Label
    | Oversight
    | Clock
    | Window
    | Incident
    | Act
    | Settings
    | Reference
    | Start
    | Stop
    | Takeover
    | Gap
    | Idle
    | Retention
    | Hold
    | Release
    | Erasure
    | Access
    | Key
    | Shard
    | CheckpointLeaf
)

TYPES: tuple[str, ...] = tuple(str(kind.__struct_config__.tag) for kind in Leaf.__args__)
"""Every type of a leaf, by name."""

decode: Callable[[bytes], Leaf] = msgspec.json.Decoder(Leaf).decode
"""The leaf of an entry's bytes; raises ``msgspec.DecodeError`` where it is none."""


def read_leaf(entry: bytes, where: str) -> Leaf:
    """The leaf of an entry's bytes.

    Args:
        where: what the error names.

    Raises:
        EvidenceError: the entry is no JSON object of a known type in its known shape.
    """
    try:
        return decode(entry)
    except msgspec.DecodeError as error:
        raise EvidenceError(f"{where}: the entry is no leaf that this version knows: {error}") from None
    except UnicodeDecodeError:
        raise EvidenceError(f"{where}: the entry is not UTF-8") from None


def id_of(leaf: Leaf) -> str | None:
    """The id under which the index finds a leaf: of a decision with its labels and reviews, or of an incident."""
    match leaf:
        case Inference():
            return leaf.id
        case Label() | Oversight():
            return leaf.ref
        case Incident() | Act():
            return leaf.incident
    return None
