"""The same events give the same bytes, however they arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.replay.run import INCIDENTS, MEASUREMENTS, replay
from tests.agent.world import World, dealt, disordered, make_reference, settings_of, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5, drift_from=3, bad_day=2)


def results(tmp_path: Path, reference: Path, files: list[list[bytes]], **changes: object) -> tuple[bytes, bytes]:
    """measurements.jsonl and incidents.jsonl of a replay of these files."""
    paths = [write(tmp_path / f"part-{number}.jsonl", records) for number, records in enumerate(files)]
    settings = settings_of(tmp_path, reference=str(reference), **changes)
    replay(settings, paths, tmp_path / "out")
    return (tmp_path / "out" / MEASUREMENTS).read_bytes(), (tmp_path / "out" / INCIDENTS).read_bytes()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, reference: Path, world: World) -> tuple[bytes, bytes]:
    files = [[record for _, record in world.events], [record for _, record in world.labels]]
    return results(tmp_path_factory.mktemp("expected"), reference, files)


def test_a_window_of_trouble_is_measured_and_told(expected: tuple[bytes, bytes]) -> None:
    measurements, incidents = expected
    assert b'"metric":"roc_auc"' in measurements
    assert b'"track":"harm"' in incidents
    assert b'"track":"health"' in incidents


def test_any_order_within_lateness_gives_the_same_bytes(
    tmp_path: Path, reference: Path, world: World, expected: tuple[bytes, bytes]
) -> None:
    files = [disordered(world.events, seed=1), disordered(world.labels, seed=2)]
    assert results(tmp_path, reference, files) == expected


def test_any_number_of_partitions_gives_the_same_bytes(
    tmp_path: Path, reference: Path, world: World, expected: tuple[bytes, bytes]
) -> None:
    files = [*dealt(disordered(world.events, seed=3), 8, seed=3), *dealt(disordered(world.labels, seed=4), 3, seed=4)]
    assert results(tmp_path, reference, files) == expected


def test_labels_and_events_of_one_partition_give_the_same_bytes(
    tmp_path: Path, reference: Path, world: World, expected: tuple[bytes, bytes]
) -> None:
    together = sorted([*world.events, *world.labels])
    assert results(tmp_path, reference, [disordered(together, seed=6)]) == expected


def test_labels_before_all_events_of_their_partition_give_the_same_bytes(
    tmp_path: Path, reference: Path, world: World, expected: tuple[bytes, bytes]
) -> None:
    labels_first = [record for _, record in (*world.labels, *world.events)]
    assert results(tmp_path, reference, [labels_first]) == expected


def test_copies_change_nothing(tmp_path: Path, reference: Path, world: World, expected: tuple[bytes, bytes]) -> None:
    twice = [(at, record) for at, record in world.events for _ in range(2)]
    labels_twice = [(at, record) for at, record in world.labels for _ in range(2)]
    assert results(tmp_path, reference, [disordered(twice, seed=8), disordered(labels_twice, seed=9)]) == expected


def test_poison_among_the_records_changes_nothing(
    tmp_path: Path, reference: Path, world: World, expected: tuple[bytes, bytes]
) -> None:
    poison = [b"not json", b"\xff\xfe", b"[]", b'{"event_type":"inference"}', b"{" * 500, b'{"schema_version":"9"}']
    records = disordered(world.events, seed=10)
    mixed = [record for number, record in enumerate(records) for record in (poison[number % 6], record)]
    assert results(tmp_path, reference, [mixed, [record for _, record in world.labels]]) == expected


@pytest.mark.parametrize(
    "window",
    [
        {"length": "1d", "slide": "6h"},
        pytest.param({"length": "1h", "min_events": 500}, marks=pytest.mark.slow),
    ],
)
def test_sliding_and_count_windows_do_not_depend_on_arrival_either(
    tmp_path: Path, reference: Path, window: dict[str, object]
) -> None:
    world = World(seed=6, days=3, drift_from=1)  # short, for such windows have many panes
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    in_order = [[record for _, record in world.events], [record for _, record in world.labels]]
    shuffled = [*dealt(disordered(world.events, seed=3), 4, seed=3), disordered(world.labels, seed=4)]
    assert results(first, reference, in_order, window=window) == results(second, reference, shuffled, window=window)
