"""Exchanging the key that signs checkpoints, so that who trusts the old key can come to trust the new one.

The log itself says which key follows, in an entry that both keys sign a checkpoint over; only then the new one takes the
place of the old one. Whatever interrupts this, it is done again from its beginning, with the same new key.
"""

from __future__ import annotations

from typing import NamedTuple

from agent.clock import Clock
from agent.evidence.alone import opened_alone
from agent.evidence.begin import key_file
from agent.evidence.collected import Collected
from agent.state.evidence import signed_of
from agent.state.store import Store
from config.settings import Settings
from exporters.evidence.keys import exchange_key, next_key, read_key
from exporters.evidence.log_leaves import key_leaf
from exporters.evidence.recorded import LastSigned
from exporters.evidence.signer import Verifier


class Rotated(NamedTuple):
    """An exchange of keys.

    Attributes:
        old, new: the public keys; head: the checkpoint that both have signed.
    """

    old: Verifier
    new: Verifier
    head: LastSigned


def rotate(settings: Settings, store: Store, clock: Clock, actor: str) -> Rotated:
    """Exchange the signing key; the old private key is gone when this returns.

    Raises:
        EvidenceError, StateError: it was not exchanged; to be called again, before an agent may write the log.
    """
    path = key_file(settings)
    old, new = read_key(path).verifier, next_key(path)
    with opened_alone(settings, store, clock, new) as alone:
        now_us, collected = clock.now_us(), Collected()
        collected.add(key_leaf(str(old), str(new.verifier), actor, now_us))
        alone.note(collected.entries(), store, now_us)
    exchange_key(path)
    head = signed_of(store.connection)
    assert head is not None
    return Rotated(old, new.verifier, head)
