"""Reports about incidents, as the agent offers them: the latest window of what broke, by its settings and log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.evidence.begin import log_directory
from agent.reports.about import window_of_incident
from agent.reports.jobs import Job, Jobs
from agent.reports.task import Task
from config.errors import ReportError
from config.settings import Settings


class IncidentReports:
    """Starts reports and knows them; safe from any thread."""

    def __init__(self, path: Path, settings: Callable[[], Settings], jobs: Jobs) -> None:
        """Args:
        path: of the settings; settings: those in effect.
        """
        self._path = path.absolute()
        self._settings = settings
        self._jobs = jobs

    def start(self, record: Mapping[str, Any]) -> Job:
        """Start the report about an incident.

        Raises:
            ReportError: there are no rows to report on, another report runs, or it cannot be started.
        """
        settings = self._settings()
        if not settings.log.enabled:
            raise ReportError("the settings keep no event log, so there are no rows to report on")
        stream, start_us, end_us = window_of_incident(record)

        def make(report: Path, progress: Path) -> Task:
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
