"""What the pipeline tells whoever keeps a record of it, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from agent.flow.buffer import Batch, Chunk, Slice
from agent.flow.contexts import Contexts
from agent.flow.history import WindowRecord
from agent.flow.intake import Taken
from agent.source import Committed, Gap, Partition
from agent.state.acts import RequestedAct
from agent.state.ledger import Ledger
from detectors.incident import Transition


class Recorder(Protocol):
    """Told before the ledger changes by what it is told, unless a method says otherwise."""

    def begin(self, ledger: Ledger, contexts: Contexts) -> None:
        """The state was read anew: whatever was told since it was last written has not happened."""

    def take(self, batch: Batch, slices: Sequence[tuple[Chunk, Slice]], taken: Taken | None) -> None:
        """Records were read; ``taken``: what became of the inference events among them, if there are any."""

    def stand(self, idle: Mapping[Partition, int]) -> None:
        """These partitions count as idle now, and have stood at their ends since."""

    def close(self, windows: Sequence[WindowRecord], transitions: Sequence[Transition]) -> None:
        """Windows were measured and judged; the ledger knows it already."""

    def happen(self, transitions: Sequence[Transition]) -> None:
        """Something happened to incidents outside of closing; the ledger knows it already."""

    def act(self, request: RequestedAct, outcome: str, at_us: int) -> None:
        """A person's act was taken in; ``at_us`` is the event time it is stamped with."""

    def gap(self, gap: Gap) -> None:
        """Records were gone before they were read."""

    def take_over(self, committed: Mapping[Partition, Committed]) -> None:
        """Another member has read further, and has left this: reading begins anew where the ledger stands."""

    def end(self, reason: str) -> None:
        """The agent ends."""


class Silent(Recorder):
    """Keeps no record."""

    def begin(self, ledger: Ledger, contexts: Contexts) -> None: ...

    def take(self, batch: Batch, slices: Sequence[tuple[Chunk, Slice]], taken: Taken | None) -> None: ...

    def stand(self, idle: Mapping[Partition, int]) -> None: ...

    def close(self, windows: Sequence[WindowRecord], transitions: Sequence[Transition]) -> None: ...

    def happen(self, transitions: Sequence[Transition]) -> None: ...

    def act(self, request: RequestedAct, outcome: str, at_us: int) -> None: ...

    def gap(self, gap: Gap) -> None: ...

    def take_over(self, committed: Mapping[Partition, Committed]) -> None: ...

    def end(self, reason: str) -> None: ...
