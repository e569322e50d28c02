"""Keeps what was read about incidents for a moment, so that many who look at once cost as much as one."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from exporters.dossier import Dossier

FRESH_SECONDS = 2.0
MOST = 8

Record = Mapping[str, Any]
Key = tuple[str, int, int]


class RecentDossiers:
    """Callable from any thread; reads one dossier at a time, so that readers leave the pipeline its share of the machine."""

    def __init__(self, read: Callable[[Record], Dossier], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._monotonic = monotonic
        self._kept: OrderedDict[Key, tuple[float, Dossier]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, record: Record) -> Dossier:
        """The dossier of an incident; read anew where its record has changed, or after two seconds."""
        key = (record["id"], len(record["timeline"]), record["timeline_omitted"])
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and self._monotonic() - kept[0] < FRESH_SECONDS:
                return kept[1]
            found = self._read(record)
            self._kept[key] = (self._monotonic(), found)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            return found
