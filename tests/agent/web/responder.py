"""A model that drifts and does harm, an agent that has seen it, and its pages over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from agent.clock import FixedClock
from agent.delivery.sender import Sender
from agent.evidence.begin import log_directory
from agent.picture import Facts, Painter
from agent.reports.jobs import Jobs
from agent.reports.of_incidents import IncidentReports
from agent.state.accesses import note_access
from agent.state.acts import ActKind, Settled, submit
from agent.state.store import DATABASE, connect, incident_lines
from agent.web.dossiers import dossier_of
from agent.web.server import WebServer
from agent.web.shown import NotedDossiers
from agent.web.views import Views
from config.settings import from_mapping
from exporters.exposition import ExpositionOptions
from exporters.snapshot import Reload, Snapshot
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import Stage
from tests.agent.world import World, make_reference, mapping_of

LOOK_SECONDS = 0.01
HOSTILE_ID = '<script>alert("id")</script>'


class Responder:
    """One agent, driven by hand, whose loop turns in a thread while its pages are served.

    Attributes:
        stage: the step and what it stands on.
    """

    def __init__(self, directory: Path, **root: object) -> None:
        kafka = {"type": "kafka", "brokers": ["none:9092"], "topics": ["t"], "clock": "events"}
        model = {"reference": str(make_reference(directory)), "segments": None}
        mapping = mapping_of(**model) | {"source": kafka, "state": {"directory": str(directory / "state")}, **root}
        self.stage = Stage(from_mapping(mapping, directory), ScriptedSource(batch=500), FixedClock())
        (directory / "wachter.yaml").write_text(json.dumps(mapping))
        jobs = Jobs(self.stage.settings.state.directory)
        self._reports = IncidentReports(directory / "wachter.yaml", lambda: self.stage.settings, jobs, self._note)
        self.facts = Facts(started_us=0, not_ready="")
        self._painter = Painter(self.stage.step, Sender(self.stage.settings.state.directory / DATABASE))
        self._play(World(seed=5, days=9, drift_from=4, bad_day=5))
        self.snapshot: Snapshot = self._painter.paint(self.facts, {})

    def _play(self, world: World) -> None:
        records = sorted((*world.events, *world.labels))
        lines = [line.replace(b'"e3000"', json.dumps(HOSTILE_ID).encode()) for _, line in records]
        self.stage.clock.at_us = round(records[-1][0].timestamp() * 1_000_000)
        self.stage.source.append(*lines)
        self.stage.settle()

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """All records, as the state has them."""
        return [json.loads(line) for line in incident_lines(self.stage.store.connection, agent=True)]

    def incident(self, track: str) -> dict[str, Any]:
        """The first record of a track."""
        return next(one for one in self.incidents if one["track"] == track)

    def views(self) -> Views:
        settings = self.stage.settings
        return Views(
            snapshot=lambda: self.snapshot,
            not_live=lambda: "",
            reload=lambda: Reload(True, 0, 0),
            find_incident=self._find,
            act=self._act,
            dossier=NotedDossiers(lambda record: dossier_of(settings, log_directory(settings), record), self._note),
            settings=lambda: settings,
            reports=self._reports,
        )

    def _find(self, incident_id: str) -> Mapping[str, object] | None:
        with closing(connect(self.stage.settings.state.directory)) as connection:  # one of its own, as the agent does
            found = (json.loads(line) for line in incident_lines(connection, agent=True))
            return next((one for one in found if one["id"] == incident_id), None)

    def _note(self, actor: str, what: str, detail: str) -> None:
        note_access(self.stage.settings.state.directory / DATABASE, actor, what, detail)

    def _act(self, kind: ActKind, incident_id: str, actor: str, comment: str, until_us: int | None) -> Settled | None:
        return submit(
            self.stage.settings.state.directory / DATABASE, kind, incident_id, actor, comment, until_us=until_us
        )

    @contextmanager
    def serving(self) -> Iterator[WebServer]:
        """Serve the pages, and turn the loop until the end."""
        server = WebServer("127.0.0.1", 0, self.views(), lambda: ExpositionOptions(max_series=10_000))
        ended = threading.Event()
        loop = threading.Thread(target=self._turn_until, args=(ended,))
        server.start()
        loop.start()
        try:
            yield server
        finally:
            ended.set()
            loop.join()
            server.close()

    def _turn_until(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK_SECONDS):
            self.stage.turn()
            self.snapshot = self._painter.paint(self.facts, {})

    def close(self) -> None:
        self._reports.close()
        self.stage.close()
