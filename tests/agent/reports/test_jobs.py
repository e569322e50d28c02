"""Reports that people start: one at a time, known after a restart, the newest kept."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from agent.reports.jobs import DIRECTORY, MOST_KEPT, Jobs
from agent.reports.launch import SAID
from agent.reports.task import Progress, Task, write
from config.errors import ReportError
from detectors.columns import StreamKey


class Process:
    """A process that ends when it is told to."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.returned: int | None = None

    def end(self, returned: int = 0, progress: Progress | None = None) -> None:
        if progress is not None:
            write(Path(self.task.progress), progress)
        self.returned = returned

    def poll(self) -> int | None:
        return self.returned

    def kill(self) -> None:
        self.returned = -signal.SIGKILL

    def wait(self) -> None:
        assert self.returned is not None


class Stand:
    """Jobs over a directory, and the processes that they started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.started: list[Process] = []
        self.jobs = self.anew()

    def anew(self) -> Jobs:
        """As after a restart of the agent."""
        return Jobs(self.directory, self._launch)  # type: ignore[arg-type]

    def _launch(self, task: Task, directory: Path) -> Process:
        write(Path(task.progress), Progress("starting"))
        self.started.append(Process(task))
        return self.started[-1]

    def start(self, incident_id: str) -> Process:
        self.jobs.start(incident_id, task_of)
        return self.started[-1]

    def progress(self, incident_id: str) -> Progress:
        job = self.jobs.of(incident_id)
        assert job is not None
        return job.progress

    def made(self, incident_id: str) -> None:
        """Make a report to its end."""
        process = self.start(incident_id)
        Path(process.task.out).write_text("report")
        process.end(0, Progress("done"))
        assert self.progress(incident_id).stage == "done"


def task_of(report: Path, progress: Path) -> Task:
    return Task(
        log="log", settings=None, stream=StreamKey("s", "m", "1"), start_us=0, end_us=1, title="t", out=str(report),
        progress=str(progress),
    )  # fmt: skip


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def test_a_job_says_how_far_it_is(stand: Stand) -> None:
    process = stand.start("harm-1")
    assert stand.progress("harm-1") == Progress("starting")
    write(Path(process.task.progress), Progress("window", "500 events"))
    assert str(stand.progress("harm-1")) == "reading the window from the log: 500 events"


def test_a_report_that_is_done_has_a_file(stand: Stand) -> None:
    stand.made("harm-1")
    job = stand.jobs.of("harm-1")
    assert job is not None
    assert job.file is not None
    assert job.file.read_text() == "report"


def test_another_one_waits_until_the_first_is_done(stand: Stand) -> None:
    process = stand.start("harm-1")
    with pytest.raises(ReportError, match="another incident is being made"):
        stand.start("harm-2")
    process.end(0, Progress("done"))
    stand.start("harm-2")
    assert len(stand.started) == 2


def test_one_that_runs_is_not_started_twice(stand: Stand) -> None:
    stand.start("harm-1")
    stand.start("harm-1")
    assert len(stand.started) == 1


@pytest.mark.parametrize(
    ("returned", "said"),
    [(-signal.SIGKILL, "ended by SIGKILL in window"), (-signal.SIGXCPU, "longer than 600 s"), (3, "ended with 3")],
)
def test_a_process_that_dies_leaves_its_reason(stand: Stand, returned: int, said: str) -> None:
    stand.start("harm-1").end(returned, Progress("window"))
    assert stand.progress("harm-1").stage == "failed"
    assert said in stand.progress("harm-1").detail


def test_a_process_that_dies_before_it_can_say_why_leaves_what_it_printed_last(stand: Stand) -> None:
    process = stand.start("harm-1")
    Path(process.task.progress).with_name(SAID).write_text(
        "a warning\nModuleNotFoundError: No module named 'agent'\n\n"
    )
    process.end(1)
    detail = stand.progress("harm-1").detail
    assert "ended with 1 in starting: ModuleNotFoundError: No module named 'agent'; WACHTER_REPORTS_PYTHON" in detail


def test_what_the_process_says_of_its_failure_is_kept(stand: Stand) -> None:
    stand.start("harm-1").end(1, Progress("failed", "the log is gone"))
    assert str(stand.progress("harm-1")) == "failed: the log is gone"


def test_after_a_restart_reports_are_known_and_what_ran_is_interrupted(stand: Stand) -> None:
    stand.made("harm-1")
    stand.start("harm-2")
    stand.jobs = stand.anew()
    assert stand.progress("harm-1").stage == "done"
    assert "stopped before it was done" in stand.progress("harm-2").detail


def test_closing_ends_what_runs_and_is_safe_twice(stand: Stand) -> None:
    process = stand.start("harm-1")
    stand.jobs.close()
    stand.jobs.close()
    assert process.returned == -signal.SIGKILL
    assert stand.progress("harm-1").stage == "failed"


def test_the_oldest_reports_make_room(stand: Stand) -> None:
    for number in range(MOST_KEPT + 3):
        stand.made(f"harm-{number}")
        os.utime(stand.directory / DIRECTORY / f"harm-{number}", (number, number))
    kept = {path.name for path in (stand.directory / DIRECTORY).iterdir()}
    assert kept == {f"harm-{number}" for number in range(3, MOST_KEPT + 3)}


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", ".", "x" * 200])
def test_what_is_no_identity_leads_to_no_file(stand: Stand, name: str) -> None:
    assert stand.jobs.of(name) is None
    with pytest.raises(ReportError, match="is no identity of an incident"):
        stand.start(name)


def test_of_what_nobody_asked_for_nothing_is_known(stand: Stand) -> None:
    assert stand.jobs.of("harm-1") is None
