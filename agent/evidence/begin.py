"""From the settings to an open journal: key, name, secrets of the state, the log itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import structlog

from agent.clock import Clock
from agent.evidence.copies import Copies
from agent.evidence.journal import Journal, NoJournal
from agent.evidence.log_journal import LogJournal
from agent.evidence.opening import Opening
from agent.evidence.outlets import outlets_of
from agent.evidence.people import People
from agent.evidence.recorder import StepRecorder
from agent.evidence.records import RecordEntries
from agent.evidence.upkeep import Upkeep
from agent.flow.contexts import Contexts
from agent.flow.incident_book import severities_of
from agent.state import evidence
from agent.state.store import Store
from config.errors import StateError
from config.settings import KafkaSource, Settings
from exporters.evidence.files import DiskFiles
from exporters.evidence.keys import create_key, read_key
from exporters.evidence.mentions import Progress
from exporters.evidence.signer import Signer
from exporters.evidence.writer import EvidenceLog

LOG_DIRECTORY = "log"
KEY_FILE = "log.key"
PEPPER_BYTES = 32
NUMBER_BYTES = 4

log = structlog.get_logger(__name__)


def open_journal(settings: Settings, contexts: Contexts, store: Store, clock: Clock) -> Journal:
    """The journal of an agent; one that keeps nothing where the settings say so.

    Raises:
        EvidenceError: the log cannot be opened: it is locked, damaged, older than the state, or its key cannot be used.
        StateError: the state cannot be written.
    """
    if not settings.log.enabled:
        return NoJournal()
    event_log, pepper = open_log(settings, store, clock)
    people = People(store.connection, pepper)
    return LogJournal(
        event_log,
        store,
        StepRecorder(RecordEntries(settings.log.payloads, people), clock, severities_of(settings)),
        Opening(store.connection, settings, contexts),
        people,
        Copies(outlets_of(settings)),
        clock,
        settings.log.cadence_us,
    )


def open_log(
    settings: Settings, store: Store, clock: Clock, successor: Signer | None = None
) -> tuple[EvidenceLog, bytes]:
    """The log itself, for whoever holds the state, and the key of its tags.

    Args:
        successor: of the signing key, while it is exchanged.

    Raises:
        EvidenceError: the log cannot be opened: it is locked, damaged, older than the state, or its key cannot be used.
        StateError: the state cannot be written.
    """
    number, pepper = _made_once(store)
    kept = evidence.get(store.connection, evidence.NAME)
    name = kept or f"{log_name(settings)}/{number}"
    event_log = EvidenceLog.open(
        log_directory(settings),
        _signer(settings, name),
        evidence.recorded_of(store.connection),
        clock.now_us(),
        name=name,
        signed=evidence.signed_of(store.connection),
        successor=successor,
        files=DiskFiles(durable=store.durable),
    )
    try:
        _keep_name(store, kept, name)
    except StateError:
        event_log.close()
        raise
    _tell_name(settings, name)
    _tell_cut(event_log)
    return event_log, pepper


def upkeep_of(
    settings: Settings, journal: Journal, store: Store, clock: Clock, progress: Progress = lambda done, total: None
) -> Callable[[], bool]:
    """What the loop calls between two steps, see ``Upkeep.tend``.

    Args:
        progress: told while a long search goes on.
    """
    if not isinstance(journal, LogJournal):
        return lambda: False
    return Upkeep(journal, store, settings.log.retention_us, clock, progress).tend


def log_directory(settings: Settings) -> Path:
    """Where the log lies."""
    return settings.log.directory or settings.state.directory / LOG_DIRECTORY


def key_file(settings: Settings) -> Path:
    """Where the signing key lies."""
    return settings.log.key_file or settings.state.directory / KEY_FILE


def log_name(settings: Settings) -> str:
    """What the settings call a log that is begun; a group's name may hold what a signed note cannot."""
    if settings.log.name is not None:
        return settings.log.name
    group = settings.source.group if isinstance(settings.source, KafkaSource) else settings.source.type
    return "wachter/" + "".join("-" if c.isspace() or c == "+" else c for c in group)


def _made_once(store: Store) -> tuple[str, bytes]:
    """The number that ends the log's name, which no log of another state directory bears, and the key of its tags."""
    connection = store.connection
    if evidence.get(connection, evidence.NUMBER) is None:
        with store.transaction():
            evidence.put(connection, evidence.NUMBER, os.urandom(NUMBER_BYTES).hex())
            evidence.put(connection, evidence.PEPPER, os.urandom(PEPPER_BYTES).hex())
    number, pepper = (evidence.get(connection, key) for key in (evidence.NUMBER, evidence.PEPPER))
    assert number is not None
    assert pepper is not None
    return number, bytes.fromhex(pepper)


def _keep_name(store: Store, kept: str | None, name: str) -> None:
    """A log that bears a name goes on under it: its checkpoints are of no other log."""
    if kept is None:
        with store.transaction() as connection:
            evidence.put(connection, evidence.NAME, name)


def _signer(settings: Settings, name: str) -> Signer:
    path = key_file(settings)
    if path.exists():
        return read_key(path)
    signer = create_key(path, name)
    log.warning(
        "log_key_made",
        key_file=str(path),
        verifier=str(signer.verifier),
        advice="keep a copy of the verifier elsewhere: it is what others verify the log with",
    )
    return signer


def _tell_name(settings: Settings, name: str) -> None:
    wanted = log_name(settings)
    if wanted != name.rpartition("/")[0]:
        log.warning(
            "log_name_kept",
            name=name,
            settings=wanted,
            advice="log.name, or source.group where it is not set, names a log that is begun; this one keeps its name",
        )


def _tell_cut(event_log: EvidenceLog) -> None:
    if event_log.cut is not None:
        log.warning("log_cut_back", entries=event_log.cut.entries, bytes=event_log.cut.bytes)
