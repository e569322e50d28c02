"""The log's benchmark writes what the agent writes."""

from __future__ import annotations

from bench import events, evidence
from exporters.evidence.leaf import Inference, read_leaf


def test_its_leaves_are_inference_leaves_that_commit_to_payloads() -> None:
    batch = evidence.batch(list(events.predictions(events.rows(3))))
    leaves = [read_leaf(leaf, "bench") for leaf in batch.leaves]
    assert all(isinstance(leaf, Inference) and leaf.payload for leaf in leaves)
    assert len(batch.payloads) == len(leaves) == 3


def test_the_writer_without_the_tree_is_restored_behind_the_block() -> None:
    before = evidence.shard_writer.leaf_hashes
    with evidence.without_tree():
        assert evidence.shard_writer.leaf_hashes([b"leaf"]) == [bytes(32)]
    assert evidence.shard_writer.leaf_hashes is before
