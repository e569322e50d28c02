"""How the agent itself is, for the foot of the first page."""

from __future__ import annotations

from agent.web.html import Html, facts
from agent.web.times import moment
from exporters.snapshot import Snapshot


def agent_facts(snapshot: Snapshot) -> Html:
    """Version, source, counters, and what waits."""
    counters, source = snapshot.counters, snapshot.source
    return facts(
        {
            "Version": snapshot.build.version,
            "Running since": moment(snapshot.started_us),
            "Source": f"{source.state}: {source.message}" if source.message else source.state,
            "Partitions": len(source.partitions),
            "Lag, records": sum(partition.lag_records or 0 for partition in source.partitions),
            "Received": counters.received,
            "Accepted": counters.accepted,
            "Rejected": sum(counters.rejected.values()),
            "Duplicate": counters.duplicates,
            "Late": counters.late,
            "Waiting to be told": sum(receiver.waiting for receiver in snapshot.receivers),
            "State on disk, bytes": sum(snapshot.state_bytes.values()),
        }
    )
