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
from config.errors import ReportError
from detectors.columns import StreamKey
from detectors.incident_record import to_json
from tests.agent.reports.test_jobs import Process
from tests.agent.stage import settings_of
from tests.detectors.test_incident_record import story

RECORD: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(to_json(next(iter(story())))))


def reports_of(directory: Path, asked: list[Task], **root: object) -> IncidentReports:
    def launch(task: Task, _: Path) -> Process:
        write(Path(task.progress), Progress("starting"))
        asked.append(task)
        return Process(task)

    settings = settings_of(directory, root=root)
    return IncidentReports(directory / "wachter.yaml", lambda: settings, Jobs(directory, launch))  # type: ignore[arg-type]


def test_it_is_about_the_latest_window_of_the_leading_finding(tmp_path: Path) -> None:
    asked: list[Task] = []
    reports_of(tmp_path, asked, page={"reveal": ["country"]}).start(RECORD)
    (task,) = asked
    stream, latest = RECORD["stream"], RECORD["findings"][0]["latest"]
    assert task.stream == StreamKey(stream["system"], stream["model"], stream["version"], stream["segment"])
    assert (task.start_us, task.end_us) == (time_us(latest["window_start"]), time_us(latest["window_end"]))
    assert (task.title, task.reveal) == (RECORD["headline"], ("country",))
    assert task.settings == str(tmp_path / "wachter.yaml")
    assert task.log == str(tmp_path / "state" / "log")


def test_without_an_event_log_there_is_nothing_to_report_on(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="keep no event log"):
        reports_of(tmp_path, [], log={"enabled": False}).start(RECORD)


@pytest.mark.parametrize("changes", [{"track": "agent"}, {"findings": []}])
def test_an_incident_without_rows_has_no_report(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ReportError, match="no rows to report on"):
        reports_of(tmp_path, []).start({**RECORD, **changes})
