"""A server under test and a plain client for it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.state.acts import ActKind, Settled
from agent.web.server import WebServer
from agent.web.views import Views
from config.settings import Settings, from_mapping
from exporters.dossier import Dossier
from exporters.exposition import ExpositionOptions
from exporters.snapshot import Reload, Snapshot
from tests.exporters.sample import NOW_US, SNAPSHOT

SETTINGS = from_mapping(
    {
        "source": {"type": "kafka", "brokers": ["none:9092"], "topics": ["t"]},
        "systems": [
            {
                "id": "credit-scoring",
                "owner": "risk team",
                "purpose": "Decide who gets a loan",
                "risk_class": "high",
                "supplier": "in-house",
                "models": [
                    {
                        "name": "credit",
                        "task": "binary",
                        "classes": ["reject", "approve"],
                        "positive": "approve",
                        "columns": {"income": "number", "notes": {"type": "category", "enabled": False}},
                        "detectors": {"service": False},
                    }
                ],
            }
        ],
    },
    Path(),
)
"""Of the model in the sample snapshot."""


@dataclass
class FakeAgent:
    """Answers of an agent, for the server to show."""

    snapshot: Snapshot = SNAPSHOT
    not_live: str = ""
    reloaded: Reload = field(
        default_factory=lambda: Reload(True, NOW_US, NOW_US, "thresholds and receivers taken over")
    )
    older: dict[str, Mapping[str, object]] = field(default_factory=dict)
    dossier: Dossier = field(default_factory=Dossier)
    settings: Settings = SETTINGS
    answer: Callable[[], Settled | None] = lambda: Settled("done", "")
    acts: list[tuple[str | int, ...]] = field(default_factory=list)

    def forget(self) -> None:
        """Be as new."""
        self.__init__()  # type: ignore[misc]

    def act(self, kind: ActKind, incident_id: str, actor: str, comment: str, until_us: int | None) -> Settled | None:
        until = () if until_us is None else (until_us,)
        self.acts.append((kind, incident_id, actor, comment, *until))
        return self.answer()

    def views(self) -> Views:
        return Views(
            snapshot=lambda: self.snapshot,
            not_live=lambda: self.not_live,
            reload=lambda: self.reloaded,
            find_incident=lambda incident_id: self.older.get(incident_id),
            act=self.act,
            dossier=lambda record, actor: self.dossier,
            settings=lambda: self.settings,
        )


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def serving(agent: FakeAgent, host: str = "127.0.0.1") -> Iterator[WebServer]:
    server = WebServer(host, 0, agent.views(), lambda: ExpositionOptions(max_series=10_000))
    server.start()
    try:
        yield server
    finally:
        server.close()


def ask(
    server: WebServer,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        lowered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lowered, response.read())
    finally:
        connection.close()


def post_json(server: WebServer, path: str, content: object, **headers: str) -> Answer:
    return ask(server, path, "POST", json.dumps(content).encode(), {"Content-Type": "application/json", **headers})
