"""A sample of rows depends on their ids alone, is bounded, and is read without decoding the rest."""

from __future__ import annotations

import random

import numpy as np
import pytest

from agent.evidence.row_columns import ColumnSpec
from agent.reports.sample import HashSample, SampledSpan, Seen, hash_of
from detectors.columns import StreamKey
from exporters.evidence.leaf import Inference

SPECS = [ColumnSpec("x", "number"), ColumnSpec("c", "text")]
IDS = [f"e{number}" for number in range(1000)]


def columns(ids: list[str]) -> dict[str, list[object]]:
    return {"event_id": list(ids), "version": ["1"] * len(ids), "x": [float(i[1:]) for i in ids], "c": list(ids)}


def sampled(ids: list[str], most: int, batch: int = 70) -> HashSample:
    sample = HashSample(most, SPECS)
    for at in range(0, len(ids), batch):
        sample.add(columns(ids[at : at + batch]))
    return sample


def test_few_rows_are_all_taken() -> None:
    sample = sampled(IDS, 1000)
    assert sorted(sample.table()["event_id"]) == sorted(IDS)
    assert sample.is_whole


def test_of_many_rows_those_with_the_smallest_hashes_are_taken() -> None:
    sample = sampled(IDS, 100)
    assert list(sample.table()["event_id"]) == sorted(IDS, key=hash_of)[:100]
    assert not sample.is_whole


@pytest.mark.parametrize("seed", range(3))
def test_order_and_batches_do_not_matter(seed: int) -> None:
    shuffled = random.Random(seed).sample(IDS, len(IDS))
    one, other = sampled(IDS, 50).table(), sampled(shuffled, 50, batch=1 + seed * 33).table()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_row_keeps_its_values_together() -> None:
    table = sampled(IDS, 50).table()
    assert [f"e{x:.0f}" for x in table["x"]] == list(table["event_id"]) == list(table["c"])


def test_a_missing_number_is_nan_and_a_missing_text_none() -> None:
    sample = HashSample(10, SPECS)
    sample.add({"event_id": ["e"], "version": ["1"], "x": [None], "c": [None]})
    table = sample.table()
    assert np.isnan(table["x"][0])
    assert table["c"][0] is None


def test_what_is_not_chosen_is_soon_not_even_wanted() -> None:
    sample = sampled(IDS, 10)
    assert sum(map(sample.wants, IDS)) == 10


def leaf(event_id: str, offset: int, at: int = 5) -> Inference:
    return Inference(
        logged=0, id=event_id, at=at, stream=("s", "m", "1"), source=("t", 0, offset), class_="accepted",
        output=None, envelope="inside", payload=None,
    )  # fmt: skip


def test_a_span_counts_every_event_once_and_holds_only_those_that_may_be_chosen() -> None:
    sample, seen = sampled(IDS, 10), Seen()
    span = SampledSpan(StreamKey("s", "m", "1"), 0, 10, sample=sample, seen=seen)
    held = [span.holds(leaf(event_id, offset)) for offset, event_id in enumerate(IDS)]
    again = [span.holds(leaf(event_id, offset)) for offset, event_id in enumerate(IDS[:100])]
    assert (sum(held), seen.count) == (10, 1000)
    assert again == held[:100]


def test_a_span_holds_nothing_of_another_time() -> None:
    seen = Seen()
    span = SampledSpan(StreamKey("s", "m", "1"), 0, 10, sample=HashSample(10, SPECS), seen=seen)
    assert not span.holds(leaf("e1", 0, at=10))
    assert seen.count == 0
