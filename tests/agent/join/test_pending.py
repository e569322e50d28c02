"""Labels that wait are bounded, durable, and copies of one label know of each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.join.pending import PendingLabel, PendingLabels
from agent.state.store import Store


def waiting(number: int, model: str = "m", *, matched: bool = False) -> PendingLabel:
    return PendingLabel(
        number=number, system="s", model=model, version=None, ref_hash=(1 << 63) + number, label_hash=number,
        occurred_us=5, ref_occurred_us=-1, expires_us=10, value=["any", {"json": 1}], matched=matched,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, durable=False) as store:
        yield store


def write(store: Store, pending: PendingLabels) -> PendingLabels:
    """Make it durable, and read it back as after a restart."""
    with store.transaction():
        pending.write()
    pending.written()
    return PendingLabels(store, pending.most)


def test_labels_wait_through_a_restart(store: Store) -> None:
    pending = PendingLabels(store, 10)
    pending.add([waiting(1), waiting(2)])
    again = write(store, pending)
    assert list(again) == list(pending)
    found = again.of_hashes("s", "m", np.array([(1 << 63) + 2], dtype=np.uint64))
    assert [label.number for label in found] == [2]
    assert again.of_hashes("s", "other", np.array([(1 << 63) + 2], dtype=np.uint64)) == []


def test_what_was_removed_stays_removed(store: Store) -> None:
    pending = PendingLabels(store, 10)
    pending.add([waiting(1), waiting(2)])
    pending = write(store, pending)
    pending.met([label for label in pending if label.number == 1])
    assert [label.number for label in write(store, pending)] == [2]


def test_beyond_the_bound_labels_are_dropped_and_counted_once(store: Store) -> None:
    pending = PendingLabels(store, 3)
    labels = [waiting(n, model) for model in ("a", "b") for n in (1, 2)]
    assert pending.add([*labels, waiting(3), waiting(3, "b"), waiting(4, matched=True)]) == 1
    assert len(pending) == 3


def test_copies_of_a_label_that_was_met_are_no_orphans_after_a_restart_either(store: Store) -> None:
    pending = PendingLabels(store, 10)
    pending.add([waiting(1, "a"), waiting(1, "b")])
    pending = write(store, pending)
    pending.met([label for label in pending if label.model == "a"])
    pending = write(store, pending)
    assert pending.give_up(pending) == 0
    assert len(pending) == 0


def test_a_label_given_up_in_every_copy_is_one_orphan(store: Store) -> None:
    pending = PendingLabels(store, 10)
    pending.add([waiting(1, "a"), waiting(1, "b"), waiting(2, "a")])
    assert pending.give_up([label for label in pending if label.model == "a"]) == 1
    assert write(store, pending).give_up(write(store, pending)) == 1


def test_labels_of_two_batches_are_not_copies_of_each_other(store: Store) -> None:
    pending = PendingLabels(store, 10)
    pending.add([waiting(1)])
    pending.add([waiting(1)])
    pending.met([next(iter(pending))])
    assert pending.give_up(pending) == 1
