"""Reports about incidents, as the agent offers them: the latest window of what broke, by its settings and log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.clock import iso
from agent.evidence.begin import log_directory
from agent.reports.about import window_of_incident
from agent.reports.jobs import Job, Jobs
from agent.reports.task import Task
from agent.state.accesses import NoteAccess
from config.errors import EvidenceError, ReportError
from config.settings import Settings


class IncidentReports:
    """Starts reports and knows them; safe from any thread."""

    def __init__(self, path: Path, settings: Callable[[], Settings], jobs: Jobs, note: NoteAccess) -> None:
        """Args:
        path: of the settings; settings: those in effect; note: writes down who lets payloads be read.
        """
        self._path = path.absolute()
        self._settings = settings
        self._jobs = jobs
        self._note = note

    def start(self, record: Mapping[str, Any], actor: str) -> Job:
        """Start the report about an incident, for somebody; who that is, is written down before it reads anything.

        Raises:
            ReportError: there are no rows to report on, another report runs, or it cannot be started.
        """
        settings = self._settings()
        if not settings.log.enabled:
            raise ReportError("the settings keep no event log, so there are no rows to report on")
        stream, start_us, end_us = window_of_incident(record)

        def make(report: Path, progress: Path) -> Task:
            window = f"{iso(start_us)}/{iso(end_us)}"
            try:
                self._note(actor, "report", f"incident {record['id']}, {stream}@{window} and its reference")
            except EvidenceError as error:
                raise ReportError(f"the report cannot be started: {error}") from None
            return Task(
                log=str(log_directory(settings).absolute()),
                settings=str(self._path),
                stream=stream,
                start_us=start_us,
                end_us=end_us,
                title=record["headline"],
                out=str(report.absolute()),
                progress=str(progress.absolute()),
                reveal=settings.page.reveal,
            )

        return self._jobs.start(record["id"], make)

    def of(self, incident_id: str) -> Job | None:
        """The report about an incident; ``None`` where nobody asked for one."""
        return self._jobs.of(incident_id)

    def close(self) -> None:
        """End the report that runs."""
        self._jobs.close()
