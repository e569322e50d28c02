"""Copies of checkpoints in other hands: what a thief of the log's key could rewrite, he cannot rewrite there.

One thread an outlet, each with room for one checkpoint: a newer one takes the place of one that could not be sent yet, since
it covers the same entries. The step never waits for any of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from exporters.evidence.heads import Signed

RETRY_SECONDS = 5.0
CLOSE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Outlet(NamedTuple):
    """Where checkpoints go.

    Attributes:
        name: for logs; without secrets.
        send: hands one over; any exception means that it was not taken.
        close: lets go of connections.
    """

    name: str
    send: Callable[[Signed], None]
    close: Callable[[], None] = lambda: None


class Copies:
    """All outlets. ``send`` and ``close`` are the loop's; ``failed`` may be read from anywhere."""

    def __init__(self, outlets: Sequence[Outlet]) -> None:
        self._couriers = [_Courier(outlet) for outlet in outlets]

    @property
    def failed(self) -> int:
        """Attempts that failed since the start."""
        return sum(courier.failed for courier in self._couriers)

    def send(self, signed: Signed) -> None:
        """Hand a checkpoint to every outlet; returns at once."""
        for courier in self._couriers:
            courier.put(signed)

    def close(self, deadline_seconds: float = CLOSE_SECONDS) -> None:
        """Let each outlet have its last checkpoint, as far as the time allows; safe twice."""
        for courier in self._couriers:
            courier.end()
        for courier in self._couriers:
            courier.join(deadline_seconds / len(self._couriers))


class _Courier:
    """The thread of one outlet."""

    def __init__(self, outlet: Outlet) -> None:
        self.failed = 0
        self._outlet = outlet
        self._changed = threading.Condition()
        self._waiting: Signed | None = None
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"checkpoints to {outlet.name}", daemon=True)

    def put(self, signed: Signed) -> None:
        with self._changed:
            self._waiting = signed
            self._changed.notify()
            if not self._ending and self._thread.ident is None:
                self._thread.start()

    def end(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify()

    def join(self, seconds: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while (signed := self._next()) is not None:
                self._send(signed)
        finally:
            self._outlet.close()

    def _next(self) -> Signed | None:
        """The newest checkpoint, as soon as there is one; ``None`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._ending)
            signed, self._waiting = self._waiting, None
            return signed

    def _send(self, signed: Signed) -> None:
        try:
            self._outlet.send(signed)
        except Exception as error:
            self.failed += 1
            log.warning("checkpoint_not_copied", to=self._outlet.name, size=signed.size, error=str(error))
            self._keep(signed)

    def _keep(self, signed: Signed) -> None:
        """Try the same one again later, unless a newer one has come meanwhile, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._ending, RETRY_SECONDS)
            if self._waiting is None and not self._ending:
                self._waiting = signed
