"""The log on a disk that fails or loses its power at any moment: nothing recorded is missing, no head is contradicted."""

from __future__ import annotations

import copy
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from config.errors import LogUnwritable
from exporters.evidence.entries import SALT_BYTES, Entries
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.heads import Signed
from exporters.evidence.recorded import LastSigned, Recorded
from exporters.evidence.tree import fold, leaf_hashes
from exporters.evidence.writer import EvidenceLog
from tests.exporters.evidence.frail_disk import FrailDisk, PowerLoss
from tests.exporters.evidence.log_stage import NAME, NOW_US, SIGNER, entries, step, stored_leaves, stored_payloads

MONTH_US = 31 * 86_400_000_000


class LogOnAFrailDisk(RuleBasedStateMachine):
    """``state`` and ``known`` are what the agent's transactions hold: they know nothing of the log's disk."""

    root: Path
    disk: FrailDisk
    log: EvidenceLog
    state: Recorded | None = None
    known: LastSigned | None = None
    written = 0
    now_us = NOW_US

    @initialize(seed=st.integers(0, 1_000_000))
    def begin(self, seed: int) -> None:
        self.disk = FrailDisk(seed)
        self.told: list[bytes] = []
        self.erased: set[tuple[str, int]] = set()
        self.signed: list[Signed] = []
        self.open()

    def open(self) -> None:
        self.log = EvidenceLog.open(
            self.root, SIGNER, self.state, self.now_us, name=NAME, signed=self.known, files=self.disk
        )
        assert (self.log.shard, self.log.size) == self.state or self.state is None
        self.keep(self.log.last_signed)

    def keep(self, signed: Signed | None) -> None:
        if signed is not None and signed not in self.signed:
            self.signed.append(signed)

    def step(self, count: int) -> None:
        batch = entries(count, self.written)
        self.written += count
        self.log.append(batch, self.now_us)
        recorded = self.log.sync()
        self.state = recorded
        self.told += batch.leaves
        self.log.recorded()
        self.keep(self.log.last_signed)

    def publish(self) -> None:
        signed = self.log.publish(self.now_us)
        self.keep(signed)
        if signed is not None:
            self.known = LastSigned(signed.shard, signed.size, signed.root)

    def erase(self, share: int) -> None:
        """Every so many of the recorded entries of the month that is written; all of it was done once it returns."""
        assert self.state is not None
        chosen = range(share % 5, self.state.size, share)
        self.log.erase({self.state.shard: chosen})
        self.erased |= {(self.state.shard, entry) for entry in chosen}

    def recover(self) -> None:
        self.disk.heal()
        self.log.cut_back(self.state)

    def lose_power(self) -> None:
        self.disk.heal()
        self.disk.lose_power()
        self.open()

    @rule(count=st.integers(1, 300))
    def a_step(self, count: int) -> None:
        self.step(count)

    @rule()
    def a_head_is_published(self) -> None:
        self.publish()

    @rule(count=st.integers(1, 300))
    def a_transaction_fails(self, count: int) -> None:
        self.log.append(entries(count), self.now_us)
        self.log.sync()
        self.log.cut_back(self.state)
        self.keep(self.log.last_signed)

    @precondition(lambda self: self.state is not None)
    @rule(share=st.integers(1, 50))
    def payloads_are_erased(self, share: int) -> None:
        self.erase(share)

    @precondition(lambda self: self.state is not None)
    @rule(share=st.integers(1, 50), changes=st.integers(0, 12))
    def the_disk_fails_while_payloads_are_erased(self, share: int, changes: int) -> None:
        self.disk.fail_after(changes, OSError)
        try:
            self.erase(share)
        except LogUnwritable:
            self.recover()
            self.erase(share)
        self.disk.heal()

    @precondition(lambda self: self.state is not None)
    @rule(share=st.integers(1, 50), changes=st.integers(0, 12))
    def power_is_lost_while_payloads_are_erased(self, share: int, changes: int) -> None:
        self.disk.fail_after(changes, PowerLoss)
        with suppress(PowerLoss):
            self.erase(share)
        self.lose_power()

    @rule()
    def the_month_turns(self) -> None:
        self.now_us += MONTH_US

    @rule(count=st.integers(1, 300), changes=st.integers(0, 12))
    def the_disk_fails_in_a_step(self, count: int, changes: int) -> None:
        self.disk.fail_after(changes, OSError)
        try:
            self.step(count)
        except LogUnwritable:
            self.recover()
        self.disk.heal()

    @rule(changes=st.integers(0, 30))
    def the_disk_fails_while_a_head_is_published(self, changes: int) -> None:
        self.disk.fail_after(changes, OSError)
        try:
            self.publish()
        except LogUnwritable:
            self.keep(self.log.last_signed)
        self.disk.heal()

    @rule(count=st.integers(1, 300), changes=st.integers(0, 12))
    def power_is_lost_in_a_step(self, count: int, changes: int) -> None:
        self.disk.fail_after(changes, PowerLoss)
        with suppress(PowerLoss):
            self.step(count)
        self.lose_power()

    @rule(changes=st.integers(0, 30))
    def power_is_lost_while_a_head_is_published(self, changes: int) -> None:
        self.disk.fail_after(changes, PowerLoss)
        with suppress(PowerLoss):
            self.publish()
        self.lose_power()

    @rule(changes=st.integers(0, 12))
    def power_is_lost_while_the_log_opens(self, changes: int) -> None:
        self.disk.lose_power()
        self.disk.fail_after(changes, PowerLoss)
        with suppress(PowerLoss):
            self.open()
        self.lose_power()

    @invariant()
    def everything_recorded_is_there(self) -> None:
        if self.state is None:
            return
        shards = [name for name in self.disk.names(self.root) if name <= self.state.shard]
        leaves = {shard: stored_leaves(self.disk, self.root / shard) for shard in shards}
        payloads = {shard: stored_payloads(self.disk, self.root / shard) for shard in shards}
        assert len(leaves.get(self.state.shard, [])) == len(payloads.get(self.state.shard, [])) == self.state.size
        assert all(payloads[shard][entry] == (bytes(SALT_BYTES), None) for shard, entry in self.erased)
        inferences = [leaf for shard in shards for leaf in leaves[shard] if b'"inference"' in leaf]
        assert inferences == self.told
        for head in self.signed:
            assert fold(leaf_hashes(leaves[head.shard][: head.size])) == head.root


@pytest.mark.slow
def test_nothing_recorded_is_lost_and_no_head_contradicted_whatever_the_disk_does(tmp_path: Path) -> None:
    LogOnAFrailDisk.root = tmp_path
    run_state_machine_as_test(LogOnAFrailDisk, settings=settings(stateful_step_count=20))


@cache
def almost_full(root: Path) -> tuple[FrailDisk, Recorded, Entries]:
    disk = FrailDisk()
    log = EvidenceLog.open(root, SIGNER, None, NOW_US, name=NAME, files=disk)
    batch = entries(RANGE_ENTRIES - 200)
    recorded = step(log, batch)
    log.publish(NOW_US)
    return disk, recorded, batch


class LogBeforeAPack(LogOnAFrailDisk):
    """The same, with a range that is about to be full."""

    @initialize(seed=st.integers(0, 1_000_000))
    def begin(self, seed: int) -> None:
        disk, self.state, batch = almost_full(self.root)
        self.disk = copy.deepcopy(disk)
        self.disk.random.seed(seed)
        self.told = list(batch.leaves)
        self.erased = set()
        self.signed = []
        self.written = len(self.told)
        self.open()


@pytest.mark.slow
def test_nothing_recorded_is_lost_while_a_range_is_packed_whatever_the_disk_does(tmp_path: Path) -> None:
    LogBeforeAPack.root = tmp_path
    run_state_machine_as_test(
        LogBeforeAPack, settings=settings(max_examples=settings().max_examples // 8, stateful_step_count=8)
    )
