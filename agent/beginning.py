"""Where reading begins under a new ownership: what the state says, another member's note, or the settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.evidence.journal import Journal
from agent.flow.pipeline import Pipeline
from agent.flow.takeover import Takeover, is_behind, log_marks
from agent.source import Assignment, Partition, Source, Trouble


@dataclass(slots=True)
class Ownership:
    """What the step knows of its source, for whoever looks at the agent.

    Attributes:
        epoch: ownership epoch; -1 before the first.
        partitions: owned now; empty for a standby.
        taken_over: windows were rebuilt from another member's note.
    """

    epoch: int = -1
    assigned: bool = False
    partitions: tuple[Partition, ...] = ()
    lag: dict[Partition, int] = field(default_factory=dict)
    held: frozenset[Partition] = frozenset()
    trouble: Trouble | None = None
    taken_over: bool = False

    @property
    def caught_up(self) -> bool:
        """Whether the end of every partition is known and reached."""
        return all(self.lag.get(partition) == 0 for partition in self.partitions)


def begin(assignment: Assignment, source: Source, pipeline: Pipeline, journal: Journal) -> bool:
    """Read from where the state says; where it says nothing, or less than another member has read, from where the
    assignment does. Whether windows were rebuilt from another member's notes.

    Raises:
        LogRolledBack: state and log are older copies of what another start of this member has committed.
    """
    if not assignment.partitions:
        return False
    journal.compare(log_marks(assignment))
    takes_over = is_behind(pipeline.ledger.positions, assignment)
    if takes_over:
        _take_over(assignment, pipeline)
        journal.recorder.take_over(assignment.committed)
    offsets = {partition: _offset(partition, assignment, pipeline) for partition in assignment.partitions}
    known = pipeline.ledger.positions.items()
    source.begin(offsets, {part.topic: position.topic_id for part, position in known if position.topic_id})
    return takes_over


def _take_over(assignment: Assignment, pipeline: Pipeline) -> None:
    """Another member has read further than we know: rebuild its open windows from its notes."""
    with pipeline.store.transaction():
        pipeline.store.forget_windows()
    pipeline.reload()
    Takeover(pipeline.contexts, pipeline.ledger, pipeline.volumes).rebuild(assignment.committed)


def _offset(partition: Partition, assignment: Assignment, pipeline: Pipeline) -> int:
    """Where to read a partition from; whether that is still there, and what to do if not, is the source's to find."""
    known = pipeline.ledger.positions.get(partition)
    if known is not None:
        return known.next_offset
    start = assignment.starts.get(partition, assignment.beginnings.get(partition, 0))
    pipeline.cuts.begin(partition, start)
    return start
