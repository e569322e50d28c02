"""Which window a report about an incident shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.clock import time_us
from config.errors import ReportError
from detectors.columns import StreamKey
from detectors.measurement import Track


def window_of_incident(record: Mapping[str, Any]) -> tuple[StreamKey, int, int]:
    """The stream, and start and end of the latest window of the leading finding.

    Raises:
        ReportError: the incident speaks of no rows.
    """
    if record["track"] == Track.AGENT.value or not record["findings"]:
        raise ReportError("this incident speaks of no window of a model, so there are no rows to report on")
    stream, latest = record["stream"], record["findings"][0]["latest"]
    key = StreamKey(stream["system"], stream["model"], stream["version"], stream["segment"])
    return key, time_us(latest["window_start"]), time_us(latest["window_end"])
