"""What is said before anything else: that the agent starts, and which settings and references it now works by.

A settings or reference leaf stands only where the digest is another one than the state remembers; its payload is the
document.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from importlib.metadata import version

import msgspec

from agent.evidence.collected import Collected
from agent.evidence.recorder import StepRecorder
from agent.flow.contexts import Contexts
from agent.state import evidence
from config.settings import Settings
from detectors.reference import Reference
from exporters.evidence import leaves

VERSION = version("wachter")
ModelName = tuple[str, str, str | None]
"""System, model, and the version that has a reference of its own; ``None`` for all others."""


class Opening:
    """Owned by the loop's thread. What was said counts when the step's transaction is durable."""

    def __init__(self, connection: sqlite3.Connection, settings: Settings, contexts: Contexts) -> None:
        self._connection = connection
        self._started = False
        self._digests: dict[str, str] = {}
        self.use(settings, contexts)

    def use(self, settings: Settings, contexts: Contexts) -> None:
        """Work by other settings from here on."""
        self._document = msgspec.json.encode(settings.model_dump(mode="json", by_alias=True))
        self._references = {name: reference for name, reference in _references(contexts) if reference is not None}
        self._due = True

    def tell(self, collected: Collected, recorder: StepRecorder, logged_us: int) -> None:
        """Say what has to be said, as it is where the state was read: before everything that the recorder holds."""
        if not self._due:
            return
        if not self._started:
            collected.add(leaves.start_leaf(VERSION, logged_us, recorder.positions))
        self._tell_settings(collected, recorder, logged_us)
        for name, reference in self._references.items():
            self._tell_reference(collected, name, reference, logged_us)

    def write(self) -> None:
        """Inside the transaction."""
        for key, digest in self._digests.items():
            evidence.put(self._connection, key, digest)

    def forget(self) -> None:
        """After a step that failed: nothing of it was said."""
        self._digests.clear()

    def written(self) -> None:
        """After the transaction."""
        self._started, self._due = True, False
        self._digests.clear()

    def _tell_settings(self, collected: Collected, recorder: StepRecorder, logged_us: int) -> None:
        old, new = evidence.get(self._connection, evidence.SETTINGS), hashlib.sha256(self._document).hexdigest()
        if old == new:
            return
        self._digests[evidence.SETTINGS] = new
        collected.add_document(
            self._document,
            lambda commitment: leaves.settings_leaf(old, new, logged_us, recorder.boundary, commitment),
        )

    def _tell_reference(self, collected: Collected, name: ModelName, reference: Reference, logged_us: int) -> None:
        key = evidence.REFERENCE + msgspec.json.encode(name).decode()
        old, new = evidence.get(self._connection, key), reference.digest
        if old == new:
            return
        self._digests[key] = new
        collected.add_document(
            reference.to_bytes(),
            lambda commitment: leaves.reference_leaf(name, old, new, logged_us, commitment),
        )


def _references(contexts: Contexts) -> Iterator[tuple[ModelName, Reference | None]]:
    for context in contexts.of_models():
        yield (context.system.id, context.model.name, None), context.reference
    for key, context in contexts.of_versions():
        yield (key.system, key.model, key.version), context.reference
