"""Predictions and their labels, in the database and in files: what a transaction called valid is there, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.join import pane as join_pane
from agent.join.pane import LABEL_ENTRY, NEVER, JoinPane, JoinPaneRecord, row_dtype
from agent.state.store import Store

HALF = (1 << 63) - 1


@pytest.fixture(params=["in the database", "in files"], autouse=True)
def spilling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Every test runs twice: with logs that stay small, and with logs that become files at once."""
    in_files = request.param == "in files"
    if in_files:
        monkeypatch.setattr(join_pane, "SPILL_BYTES", 0)
    return in_files


def pane(directory: Path, *, record: JoinPaneRecord | None = None, hash_limit: int = (1 << 64) - 1) -> JoinPane:
    new = JoinPaneRecord(
        id=1, system="s", model="m", version="1", context="c", start_us=0, end_us=60, scores=1, groups=1,
        hash_limit=hash_limit,
    )  # fmt: skip
    return JoinPane(directory, connection_of(directory), record or new, durable=False)


def connection_of(directory: Path) -> sqlite3.Connection:
    """The database of a directory, made where it is not there."""
    Store(directory, durable=False).close()
    return sqlite3.connect(directory / "state.db", isolation_level=None)


def write(one: JoinPane) -> None:
    """The step's transaction."""
    one.sync()
    one.write()
    one.written()


def rows(hashes: list[int]) -> np.ndarray:
    made = np.zeros(len(hashes), dtype=row_dtype(1, 1))
    made["hash"], made["lane"], made["prediction"] = hashes, 1, 1.0
    made["mark"] = [one % 1000 for one in hashes]
    return made


def entries(of: list[int], truth: float = 1.0, occurred: int = 5) -> np.ndarray:
    made = np.zeros(len(of), dtype=LABEL_ENTRY)
    made["row"], made["occurred_us"], made["label_hash"], made["truth"] = of, occurred, 9, truth
    return made


def found(one: JoinPane, hashes: list[int]) -> list[int | None]:
    known, at, _ = one.index.find(np.array(sorted(hashes), dtype=np.uint64))
    return [int(row) if hit else None for hit, row in zip(known, at, strict=True)]


def test_rows_are_found_in_the_order_of_acceptance(tmp_path: Path) -> None:
    one = pane(tmp_path)
    one.append_rows(rows([30, 10]))
    one.append_rows(rows([20]))
    assert found(one, [10, 20, 30, 40]) == [1, 2, 0, None]
    assert one.rows(np.array([2, 0], dtype=np.uint32))["hash"].tolist() == [20, 30]
    assert one.record.predictions == 3


def test_what_a_step_wrote_that_did_not_complete_is_cut_off(tmp_path: Path) -> None:
    one = pane(tmp_path)
    one.append_rows(rows([30, 10]))
    one.append_labels(entries([0]))
    write(one)
    durable = one.record
    one.append_rows(rows([20]))
    one.append_labels(entries([1]))
    again = pane(tmp_path, record=durable)
    assert found(again, [10, 20, 30]) == [1, None, 0]
    assert again.kept.occurred_us[:2].tolist() == [5, NEVER]
    again.append_rows(rows([20]))
    assert found(again, [10, 20, 30]) == [1, 2, 0]


def test_a_frozen_pane_gives_back_its_memory_and_finds_the_same(tmp_path: Path) -> None:
    one = pane(tmp_path)
    one.append_rows(rows([30, 10, 20]))
    one.append_labels(entries([2]))
    one.freeze()
    write(one)
    one.forget()
    assert one.memory_bytes == 0
    assert found(one, [10, 20, 30, 40]) == [1, 2, 0, None]
    assert found(pane(tmp_path, record=one.record), [10, 20, 30, 40]) == [1, 2, 0, None]
    assert one.kept.occurred_us.tolist() == [NEVER, NEVER, 5]


def test_an_index_that_is_not_whole_is_made_anew(tmp_path: Path) -> None:
    one = pane(tmp_path)
    one.append_rows(rows([30, 10, 20]))
    one.freeze()
    write(one)
    (tmp_path / "1.index").write_bytes(b"torn")
    assert found(pane(tmp_path, record=one.record), [10, 20, 30]) == [1, 2, 0]


def test_a_sample_keeps_the_rows_and_labels_of_small_hashes(tmp_path: Path) -> None:
    one = pane(tmp_path, hash_limit=HALF)
    one.append_rows(rows([1 << 63, 5, (1 << 64) - 1, 7]))
    one.append_labels(entries([1], truth=0.0))
    one.append_labels(entries([2]))
    copy = one.thinned(2)
    assert found(copy, [5, 7, 1 << 63]) == [0, 1, None]
    assert copy.kept.truth[:1].tolist() == [0.0]
    assert copy.kept.occurred_us[:2].tolist() == [5, NEVER]
    assert (copy.record.rows, copy.record.labels, copy.record.predictions) == (2, 1, 2)
    assert one.record.predictions == 2
    write(one)
    assert found(pane(tmp_path, record=one.record), [5, 7, 1 << 63]) == [1, 3, 0]


def test_what_is_deleted_leaves_nothing(tmp_path: Path, spilling: bool) -> None:
    one = pane(tmp_path)
    one.append_rows(rows([1]))
    one.append_labels(entries([0]))
    one.freeze()
    write(one)
    assert (tmp_path / "1.rows").exists() == spilling
    one.delete_chunks()
    one.delete_files()
    assert not list(tmp_path.glob("1.*"))
    assert one.connection.execute("SELECT count(*) FROM join_chunk").fetchone() == (0,)


def test_a_pane_that_grows_moves_to_files_and_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_pane, "SPILL_BYTES", 3 * row_dtype(1, 1).itemsize)
    one = pane(tmp_path)
    one.append_rows(rows([30, 10]))
    one.append_labels(entries([1]))
    write(one)
    one.append_rows(rows([20, 40]))
    one.append_labels(entries([3], occurred=8))
    write(one)
    again = pane(tmp_path, record=one.record)
    assert one.record.in_files
    assert found(again, [10, 20, 30, 40]) == [1, 2, 0, 3]
    assert again.kept.occurred_us[:4].tolist() == [NEVER, 5, NEVER, 8]
    assert one.connection.execute("SELECT count(*) FROM join_chunk").fetchone() == (0,)


def test_many_small_chunks_become_one(tmp_path: Path) -> None:
    one = pane(tmp_path)
    for number in range(1, 101):
        one.append_rows(rows([number]))
        write(one)
    (chunks,) = one.connection.execute("SELECT count(*) FROM join_chunk").fetchone()
    assert chunks <= 33
    assert found(pane(tmp_path, record=one.record), [1, 50, 100]) == [0, 49, 99]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.integers(1, 5), st.just("reopen"), st.just("label")), max_size=12))
def test_it_knows_what_a_dict_knows_however_often_it_is_opened(
    scratch: Callable[[], Path], steps: list[int | str]
) -> None:
    one, ids, labelled = pane(scratch()), list[int](), dict[int, int]()
    for number, step in enumerate(steps, start=1):
        if step == "reopen":
            write(one)
            one = pane(one.directory, record=one.record)
        elif step == "label" and ids:
            row = number % len(ids)
            one.append_labels(entries([row], occurred=number))
            labelled[row] = number
        elif isinstance(step, int):
            new = [number * 100 + n for n in range(step)]
            one.append_rows(rows(new))
            ids += new
    assert found(one, ids) == [ids.index(i) for i in sorted(ids)]
    assert one.kept.occurred_us[: len(ids)].tolist() == [labelled.get(row, NEVER) for row in range(len(ids))]
