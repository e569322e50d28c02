"""What the agent asks of a report about an incident."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.clock import time_us
from agent.reports.jobs import Jobs
from agent.reports.of_incidents import IncidentReports
from agent.reports.task import Progress, Task, write
from agent.state.accesses import NoteAccess
from config.errors import EvidenceError, ReportError
from detectors.columns import StreamKey
from detectors.incident_record import to_json
from tests.agent.reports.test_jobs import Process
from tests.agent.stage import settings_of
from tests.detectors.test_incident_record import story

RECORD: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(to_json(next(iter(story())))))


def remember(*access: str) -> None:
    """The ``NoteAccess`` of tests that do not ask for it."""


def reports_of(directory: Path, asked: list[Task], note: NoteAccess = remember, **root: object) -> IncidentReports:
    def launch(task: Task, _: Path) -> Process:
        write(Path(task.progress), Progress("starting"))
        asked.append(task)
        return Process(task)

    settings = settings_of(directory, root=root)
    return IncidentReports(directory / "wachter.yaml", lambda: settings, Jobs(directory, launch), note)  # type: ignore[arg-type]


def test_it_is_about_the_latest_window_of_the_leading_finding(tmp_path: Path) -> None:
    asked: list[Task] = []
    reports_of(tmp_path, asked, page={"reveal": ["country"]}).start(RECORD, "kim")
    (task,) = asked
    stream, latest = RECORD["stream"], RECORD["findings"][0]["latest"]
    assert task.stream == StreamKey(stream["system"], stream["model"], stream["version"], stream["segment"])
    assert (task.start_us, task.end_us) == (time_us(latest["window_start"]), time_us(latest["window_end"]))
    assert (task.title, task.reveal) == (RECORD["headline"], ("country",))
    assert task.settings == str(tmp_path / "wachter.yaml")
    assert task.log == str(tmp_path / "state" / "log")


def test_without_an_event_log_there_is_nothing_to_report_on(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="keep no event log"):
        reports_of(tmp_path, [], log={"enabled": False}).start(RECORD, "kim")


@pytest.mark.parametrize("changes", [{"track": "agent"}, {"findings": []}])
def test_an_incident_without_rows_has_no_report(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ReportError, match="no rows to report on"):
        reports_of(tmp_path, []).start({**RECORD, **changes}, "kim")


def test_it_is_written_down_once_who_lets_payloads_be_read(tmp_path: Path) -> None:
    noted: list[tuple[str, ...]] = []
    reports = reports_of(tmp_path, [], lambda *access: noted.append(access))
    reports.start(RECORD, "kim")
    reports.start(RECORD, "joe")  # waits for the same one
    ((actor, what, detail),) = noted
    assert (actor, what) == ("kim", "report")
    window = "flights/delay/1@1970-01-02T00:00:00Z/1970-01-03T00:00:00Z"
    assert detail == f"incident {RECORD['id']}, {window} and its reference"


def test_no_payload_is_read_where_that_cannot_be_written_down(tmp_path: Path) -> None:
    def refuse(*access: str) -> None:
        raise EvidenceError("the disk is full")

    asked: list[Task] = []
    reports = reports_of(tmp_path, asked, refuse)
    with pytest.raises(ReportError, match="the disk is full"):
        reports.start(RECORD, "kim")
    assert asked == []
    assert reports.of(RECORD["id"]) is None
