"""The journal: the log beside the step. One append and one sync a step, before the transaction that records its size.

keep      append what the step brought, and wait for the disk
write     inside the transaction: how far the log is recorded
kept      after it
publish   sign a checkpoint of the recorded size, at its cadence
recover   a step failed: go back to what the state has recorded
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from agent.flow.contexts import Contexts
from agent.flow.notes import LogMark
from agent.flow.recording import Recorder, Silent
from agent.state.ledger import Ledger
from config.settings import Settings
from exporters.snapshot import LogStatus


class Signing(Enum):
    """When what is recorded is to be signed: at the cadence, soon since an incident changed, or now since it is the end."""

    IN_TIME = "in_time"
    SOON = "soon"
    NOW = "now"


class Journal(Protocol):
    """What the step asks of a journal; ``recorder`` is what the pipeline tells."""

    @property
    def recorder(self) -> Recorder: ...

    @property
    def mark(self) -> LogMark | None:
        """How far the log is recorded, to be committed with the offsets; ``None`` where nothing is logged yet."""

    def compare(self, committed: Sequence[LogMark]) -> None:
        """Hold the log against what was committed to the source.

        Raises:
            LogRolledBack: this very log was once recorded further than it is: state and log are an older copy.
        """

    def use(self, settings: Settings, contexts: Contexts) -> None:
        """Log by other settings from here on; ``recover`` follows."""

    def keep(self, now_us: int) -> None:
        """Append what the step brought, and wait until it is on disk.

        Raises:
            LogUnwritable: it cannot be; nothing of the step may be kept.
        """

    def write(self, ledger: Ledger) -> None:
        """Inside the transaction, before the ledger is written."""

    def kept(self) -> None:
        """After the transaction: the log is recorded."""

    def publish(self, now_us: int, when: Signing = Signing.IN_TIME) -> None:
        """Sign what is recorded, where its time has come, and send copies of the checkpoint."""

    def recover(self) -> None:
        """After a step that could not be written: what it appended is cut off.

        Raises:
            LogUnwritable: the log cannot be opened again yet.
        """

    def status(self, ledger: Ledger) -> LogStatus | None:
        """The log as metrics show it; ``None`` where nothing is logged."""

    def close(self) -> None:
        """Let go of the log, and give copies of its checkpoints a little time to arrive; safe twice."""


class NoJournal(Journal):
    """Nothing is logged: replays into a directory, and agents whose settings say so."""

    def __init__(self) -> None:
        self._recorder = Silent()

    @property
    def recorder(self) -> Recorder:
        return self._recorder

    @property
    def mark(self) -> LogMark | None:
        return None

    def compare(self, committed: Sequence[LogMark]) -> None: ...

    def use(self, settings: Settings, contexts: Contexts) -> None: ...

    def keep(self, now_us: int) -> None: ...

    def write(self, ledger: Ledger) -> None: ...

    def kept(self) -> None: ...

    def publish(self, now_us: int, when: Signing = Signing.IN_TIME) -> None: ...

    def recover(self) -> None: ...

    def status(self, ledger: Ledger) -> LogStatus | None:
        return None

    def close(self) -> None: ...
