"""Chunks of a reference."""

from __future__ import annotations

import numpy as np

from detectors.chunks import MAX_CHUNKS, chunk_of, chunk_starts, longest_gap_us, thinned
from detectors.windows import WindowPlan

DAY = 86_400_000_000
HOUR = DAY // 24


def test_chunks_are_as_long_as_the_windows_and_aligned_like_them() -> None:
    plan = WindowPlan(length_us=DAY, slide_us=HOUR, offset_us=HOUR)
    times = np.array([3 * DAY + HOUR, 5 * DAY, 3 * DAY + HOUR - 1, 3 * DAY + 2 * HOUR])
    starts = chunk_starts(times, plan)
    np.testing.assert_array_equal(starts, [2 * DAY + HOUR, 3 * DAY + HOUR, 4 * DAY + HOUR])
    np.testing.assert_array_equal(chunk_of(times, starts), [1, 2, 0, 1])


def test_count_windows_give_runs_of_whole_panes_with_enough_events() -> None:
    plan = WindowPlan(length_us=DAY, slide_us=DAY, min_events=5)
    times = np.repeat(np.arange(10) * HOUR, 2)
    starts = chunk_starts(times, plan)
    np.testing.assert_array_equal(starts, [0, 3 * HOUR, 6 * HOUR, 9 * HOUR])
    np.testing.assert_array_equal(np.bincount(chunk_of(times, starts)), [6, 6, 6, 2])


def test_many_chunks_are_thinned_evenly() -> None:
    kept = thinned(5 * MAX_CHUNKS)
    assert len(kept) == MAX_CHUNKS
    assert set(np.diff(kept)) == {5}
    np.testing.assert_array_equal(thinned(12), np.arange(12))


def test_the_longest_gap_is_between_neighbours_in_time() -> None:
    assert longest_gap_us(np.array([50, 10, 20, 45])) == 25
    assert longest_gap_us(np.array([50])) == 0
