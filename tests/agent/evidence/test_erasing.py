"""A person who was erased is in no file any more; the log verifies, and every other proof is what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from agent.evidence.begin import log_directory, upkeep_of
from agent.evidence.erasure import document_of, holds_any, ranges_of
from agent.evidence.log_journal import LogJournal
from agent.evidence.upkeep import Upkeep
from agent.state import rejects, requests
from agent.state.requests import Answer
from agent.state.store import Store
from config.errors import LogUnwritable, StateError
from exporters.evidence.keys import read_verifiers
from exporters.evidence.prove import check_proof, prove_entry
from exporters.evidence.reader import LogReader
from exporters.evidence.verify import verify
from tests.agent.conftest import OpenStage
from tests.agent.stage import Stage, event, events, label, model_of

ANN = "ann-4711"
SECRET = 31337.25
MAGIC = b"WEF1"


def about_ann(number: int, minute: float) -> bytes:
    return event(f"of-{number}", minute, subject_ref=ANN, features={"x": SECRET})


def fill(stage: Stage) -> Stage:
    """Events of ann among others, labels of hers early and late, and an unreadable record that names her."""
    stage.run(*events("b", 0, 30, 30, subject_ref="bob-1"))
    stage.run(*[about_ann(n, 30 + n) for n in range(5)])
    stage.run(
        label("of-1", 40, "no"), label("of-99", 41), b'{"event_type": "inference", "subject_ref": "' + ANN.encode()
    )
    stage.run(*events("c", 45, 60, 15))
    return stage


def ask(stage: Stage, kind: requests.RequestKind, **body: object) -> Answer:
    """What came of a request, carried out between two steps."""
    connection = stage.store.connection
    number = requests.request(connection, kind, "kim", body, 1)
    if upkeep_of(stage.settings, stage.journal, stage.store, stage.clock)():
        stage.step.recover()
    answer = requests.answer_of(connection, number)
    assert answer is not None
    return answer


def signed(stage: Stage) -> Path:
    """The log of a stage, all of it signed."""
    stage.step.end("stopped")
    return log_directory(stage.settings)


def raw_contents(directory: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file, as it is and with its frames unpacked."""
    for path in directory.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield path, data
        at = data.find(MAGIC)
        while at >= 0:
            body = data[at + 57 :]
            yield path, zstandard.ZstdDecompressor().decompressobj().decompress(body)
            at = data.find(MAGIC, at + 4)


def files_that_hold(directory: Path, *needles: bytes) -> set[str]:
    return {path.name for path, data in raw_contents(directory) if any(needle in data for needle in needles)}


def assert_verifies(log: Path) -> None:
    report = verify(log, read_verifiers(log / "log.vkey"))
    assert report.findings == ()


@pytest.fixture(params=["plain", "sealed"])
def filled(request: pytest.FixtureRequest, open_stage: OpenStage) -> Stage:
    return fill(open_stage(root={"log": {"payloads": request.param}}, labels={"horizon": "1h"}))


def test_nothing_of_an_erased_person_is_left_in_any_file(filled: Stage) -> None:
    state = filled.settings.state.directory
    key = filled.store.connection.execute("SELECT key FROM subject_key").fetchone()
    assert ask(filled, "erase", subjects=[ANN]).outcome == requests.DONE
    signed(filled)
    assert files_that_hold(state, ANN.encode(), str(SECRET).encode()) == set()
    if key is not None:
        kept = {row[0] for row in filled.store.connection.execute("SELECT key FROM subject_key")}
        assert len(kept) == 2  # the log's own, and bob's


def test_the_search_of_this_test_finds_what_is_there(open_stage: OpenStage) -> None:
    stage = fill(open_stage())
    found = files_that_hold(stage.settings.state.directory, ANN.encode(), str(SECRET).encode())
    assert any(name.startswith("000") for name in found)
    assert any(name.startswith("state.db") for name in found)


def test_keys_of_an_erased_person_are_in_no_file(open_stage: OpenStage) -> None:
    stage = fill(open_stage(root={"log": {"payloads": "sealed"}}))
    before = {bytes(key) for (key,) in stage.store.connection.execute("SELECT key FROM subject_key")}
    ask(stage, "erase", subjects=[ANN])
    after = {bytes(key) for (key,) in stage.store.connection.execute("SELECT key FROM subject_key")}
    (gone,) = before - after
    assert files_that_hold(stage.settings.state.directory, gone) == set()


def test_a_log_with_erased_payloads_verifies_and_proofs_stay_valid(filled: Stage) -> None:
    log = signed(filled)
    reader = LogReader(log)
    (shard,) = reader.shards()
    keys = read_verifiers(log / "log.vkey")
    proof = prove_entry(reader, keys, shard, 40).file
    before = list(reader.entries(shard))
    assert ask(filled, "erase", subjects=[ANN]).body["payloads"] == 7  # five events, a label, an unreadable record
    assert_verifies(signed(filled))
    assert list(reader.entries(shard))[: len(before)] == before
    assert check_proof(proof, None, keys).entry == before[40]
    assert prove_entry(reader, keys, shard, 40).entry == before[40]


def test_the_log_says_what_was_erased_and_by_whom(filled: Stage) -> None:
    ask(filled, "erase", subjects=[ANN])
    log = signed(filled)
    reader = LogReader(log)
    (shard,) = reader.shards()
    found = [(n, json.loads(entry)) for n, entry in enumerate(reader.entries(shard)) if b'"erasure"' in entry]
    ((number, leaf),) = found
    assert (leaf["actor"], leaf["erased"]) == ("kim", 7)
    (payload,) = reader.payloads(shard, number, number + 1)
    assert payload.data is not None
    lines = [json.loads(line) for line in payload.data[1:].splitlines()]
    assert [line["shard"] for line in lines] == [shard]
    assert sum(last - first + 1 for first, last in lines[0]["entries"]) == 7


def test_erasing_again_changes_nothing_and_says_so(filled: Stage) -> None:
    ask(filled, "erase", subjects=[ANN])
    size = LogReader(signed(filled)).size("2026-01")
    again = ask(filled, "erase", subjects=[ANN])
    assert (again.outcome, again.body["payloads"]) == (requests.DONE, 0)
    assert LogReader(log_directory(filled.settings)).size("2026-01") == size


def test_others_keep_what_is_theirs(filled: Stage) -> None:
    ask(filled, "erase", subjects=[ANN])
    filled.run(about_ann(100, 58))
    states = [payload.state for payload in LogReader(signed(filled)).payloads("2026-01")]
    assert states.count("erased") == 7


def test_a_new_event_of_an_erased_person_is_kept_again(open_stage: OpenStage) -> None:
    stage = fill(open_stage(root={"log": {"payloads": "sealed"}}))
    ask(stage, "erase", subjects=[ANN])
    stage.run(about_ann(100, 58))
    assert ask(stage, "erase", subjects=[ANN]).body["payloads"] == 1
    assert_verifies(signed(stage))


def test_what_was_measured_before_stays_and_goes_on(open_stage: OpenStage) -> None:
    stage = fill(open_stage())
    ask(stage, "erase", subjects=[ANN])
    stage.run(*events("d", 60, 200, 140))
    assert stage.volumes()["00:00"] == 50


def test_a_label_that_waits_for_another_model_goes_too(open_stage: OpenStage) -> None:
    labelled = [model_of(labels={"horizon": "1h"}), model_of(name="other", labels={"horizon": "1h"})]
    stage = fill(open_stage(models=labelled))
    assert ask(stage, "erase", subjects=[ANN]).body["pending_labels"] == 1
    stage.run(label("of-2", 50))
    waiting = [
        json.loads(body)["model"] for (body,) in stage.store.connection.execute("SELECT body FROM pending_label")
    ]
    assert waiting.count("credit") == 1  # of a prediction that nobody knows


def test_rejected_records_are_counted_right_afterwards(open_stage: OpenStage) -> None:
    stage = fill(open_stage())
    stage.run(b"poison of others")
    before = rejects.totals(stage.store.connection)
    assert ask(stage, "erase", subjects=[ANN]).body["rejects"] == 1
    after = rejects.totals(stage.store.connection)
    assert (before.rows, after.rows) == (2, 1)
    assert after.bytes == len(b"poison of others") + rejects.ROW_OVERHEAD


def test_a_request_names_nobody_once_it_is_settled(open_stage: OpenStage) -> None:
    stage = fill(open_stage())
    ask(stage, "erase", subjects=[ANN])
    assert [body for (body,) in stage.store.connection.execute("SELECT body FROM log_request")] == [b"{}"]


def test_an_erasure_that_a_crash_interrupts_is_finished_as_it_was_said(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = fill(open_stage())
    number = requests.request(stage.store.connection, "erase", "kim", {"subjects": [ANN]}, 1)
    with monkeypatch.context() as patch:

        def die(self: LogJournal, entries: object) -> None:
            raise LogUnwritable("the disk is gone")

        patch.setattr(LogJournal, "erase", die)
        with pytest.raises(LogUnwritable):
            upkeep_of(stage.settings, stage.journal, stage.store, stage.clock)()
    stage.restart()
    stage.settle()
    upkeep_of(stage.settings, stage.journal, stage.store, stage.clock)()
    answer = requests.answer_of(stage.store.connection, number)
    assert answer is not None
    assert answer.body["payloads"] == 7
    entries = list(LogReader(signed(stage)).entries("2026-01"))
    assert sum(b'"type":"erasure"' in entry for entry in entries) == 1
    assert_verifies(log_directory(stage.settings))


def test_a_state_that_somebody_reads_is_compacted_later(open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = fill(open_stage())
    connection = stage.store.connection
    number = requests.request(connection, "erase", "kim", {"subjects": [ANN]}, 1)
    assert isinstance(stage.journal, LogJournal)
    upkeep = Upkeep(stage.journal, stage.store, stage.settings.log.retention_us, stage.clock)
    with monkeypatch.context() as patch:

        def busy(self: Store) -> None:
            raise StateError("somebody reads it")

        patch.setattr(Store, "settle", busy)
        upkeep.tend()
    assert requests.answer_of(connection, number) is None
    stage.clock.at_us += 11_000_000
    upkeep.tend()
    answer = requests.answer_of(connection, number)
    assert answer is not None
    assert (answer.body["payloads"], answer.body["rejects"]) == (7, 1)


def test_names_are_found_as_words_in_any_spelling() -> None:
    holds = holds_any(["zoë", "42"])
    assert all(map(holds, ('{"a": "zoë"}'.encode(), b'"zo\\u00eb"', b'{"a":42}', b"42", '"zoë"'.encode("utf-16-le"))))
    assert not any(map(holds, (b"421", b"a42", b"4-2", b"zo", b"-42-")))


def test_nobody_is_found_nowhere() -> None:
    assert not holds_any([])(b"anything")


def test_ranges_join_what_is_consecutive() -> None:
    assert ranges_of([5, 1, 2, 3, 9]) == [(1, 3), (5, 5), (9, 9)]
    assert ranges_of([]) == []
    assert document_of({"2026-01": [1, 2], "2026-02": [7]}).splitlines() == [
        b'{"shard":"2026-01","entries":[[1,2]]}',
        b'{"shard":"2026-02","entries":[[7,7]]}',
    ]
