"""Leaves about the log itself: shards, checkpoints, keys, what was pruned or erased, and what is held."""

from __future__ import annotations

from collections.abc import Sequence

from exporters.evidence.event_leaves import ENCODER
from exporters.evidence.spelling import encode_base64


def shard_leaf(previous: str | None, note: str | None, logged_us: int) -> bytes:
    """Entry 0 of every shard: the shard before, and its last checkpoint as the signed note it is."""
    return ENCODER.encode({"type": "shard", "previous": previous, "note": note, "logged": logged_us})


def checkpoint_leaf(size: int, root: bytes, logged_us: int) -> bytes:
    """A checkpoint was signed; it is entry ``size``, so a note that is missing later is noticed."""
    return ENCODER.encode({"type": "checkpoint", "size": size, "root": encode_base64(root), "logged": logged_us})


def retention_leaf(shard: str, size: int, root: bytes, logged_us: int) -> bytes:
    """A whole shard goes after its time; its last checkpoint had this size and root."""
    return ENCODER.encode(
        {"type": "retention", "shard": shard, "size": size, "root": encode_base64(root), "logged": logged_us}
    )


def erasure_leaf(actor: str, erased: int, logged_us: int, commitment: bytes) -> bytes:
    """Payloads go for good; the document, JSON lines ``{"shard":..,"entries":[[first,last],..]}``, says which.

    Args:
        erased: how many; commitment: base64 without its padding.
    """
    payload = commitment.decode() + "="
    return ENCODER.encode(
        {"type": "erasure", "actor": actor, "logged": logged_us, "erased": erased, "payload": payload}
    )


def access_leaf(actor: str, what: str, detail: str, logged_us: int) -> bytes:
    """Somebody was shown what payloads hold.

    Args:
        what: ``examples`` or ``report``; detail: which.
    """
    return ENCODER.encode({"type": "access", "actor": actor, "what": what, "detail": detail, "logged": logged_us})


def hold_leaf(hold: str, shards: Sequence[str], actor: str, reason: str, logged_us: int) -> bytes:
    """These shards stay until the hold is released."""
    return _hold("hold", hold, shards, actor, reason, logged_us)


def release_leaf(hold: str, shards: Sequence[str], actor: str, reason: str, logged_us: int) -> bytes:
    """A hold ends."""
    return _hold("release", hold, shards, actor, reason, logged_us)


def key_leaf(old: str, new: str, actor: str, logged_us: int) -> bytes:
    """The signing key is exchanged: both public keys, as ``log.vkey`` holds them."""
    return ENCODER.encode({"type": "key", "old": old, "new": new, "actor": actor, "logged": logged_us})


def _hold(kind: str, hold: str, shards: Sequence[str], actor: str, reason: str, logged_us: int) -> bytes:
    return ENCODER.encode(
        {"type": kind, "hold": hold, "shards": list(shards), "actor": actor, "reason": reason, "logged": logged_us}
    )
