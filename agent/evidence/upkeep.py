"""The log's upkeep, between two steps: what people ask to be erased, held, released or pruned; months whose time is over;
who was shown payloads.

Everything is asked for through the state (agent/state/requests.py), so that a command and the agent do it the same way, and
a request that a crash interrupts is carried out again. The log's own entry comes first in each: nothing goes that it does
not say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import structlog

from agent.clock import Clock
from agent.evidence.collected import Collected
from agent.evidence.erasing import Erasing, Notes
from agent.evidence.shards import shards_named
from agent.state import accesses, requests
from agent.state.requests import Body, Request
from agent.state.store import Store
from config.errors import EvidenceError, LogUnwritable, StateError
from exporters.evidence import log_leaves
from exporters.evidence.mentions import Progress
from exporters.evidence.reader import LogReader
from exporters.evidence.retention import Hold, due_shards, place_hold, read_holds, release_hold, remove_shard

DAY_SECONDS = 86_400.0
RETRY_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Upkeep:
    """Owned by the loop's thread, or by the command that holds the state."""

    def __init__(
        self,
        notes: Notes,
        store: Store,
        retention_us: int,
        clock: Clock,
        progress: Progress = lambda done, total: None,
    ) -> None:
        self._notes = notes
        self._store = store
        self._retention_us = retention_us
        self._clock = clock
        self._progress = progress
        self._pruned_at = float("-inf")
        self._not_before = float("-inf")

    def tend(self) -> bool:
        """Do what was asked for, then what is due by itself; whether the state was changed beneath what is remembered of it.

        Raises:
            LogUnwritable: the disk does not take it; what was asked for waits.
        """
        self._log_accesses()
        changed = self.answer()
        now = self._clock.monotonic_seconds()
        if now - self._pruned_at >= DAY_SECONDS:
            self._pruned_at = now
            self._prune_daily()
        return changed

    def _log_accesses(self) -> None:
        """One entry each, all in one append: a page that many look at costs a step as much as one."""
        waiting = accesses.waiting(self._store.connection)
        if not waiting:
            return
        now_us, collected = self._clock.now_us(), Collected()
        for access in waiting:
            collected.add(log_leaves.access_leaf(access.actor, access.what, access.detail, now_us))
        self._notes.note(
            collected.entries(), self._store, now_us, lambda connection: accesses.forget(connection, waiting)
        )

    def answer(self) -> bool:
        """Do what was asked for; as ``tend``."""
        now = self._clock.monotonic_seconds()
        if now < self._not_before:
            return False
        waiting = requests.pending(self._store.connection)
        for request in waiting:
            try:
                self._carry_out(request)
            except StateError as error:
                self._not_before = now + RETRY_SECONDS
                log.warning("log_upkeep_waits", request=request.kind, error=str(error))
                break
        return any(request.kind == "erase" for request in waiting)

    def _prune_daily(self) -> None:
        try:
            self.prune()
        except LogUnwritable:
            raise
        except EvidenceError as error:
            log.error("log_not_pruned", error=str(error))

    def prune(self) -> list[str]:
        """Remove the months whose time is over; which."""
        files, directory = self._notes.files, self._notes.directory
        due = due_shards(files, directory, read_holds(files, directory), self._clock.now_us(), self._retention_us)
        for shard in due:
            reader = LogReader(directory)
            signed = reader.signed(shard, reader.verifiers())
            if signed is None:
                raise EvidenceError(f"{directory / shard}: was never signed, so it is not removed; verify the log")
            now_us = self._clock.now_us()
            self._note(log_leaves.retention_leaf(shard, signed.size, signed.root, now_us), now_us)
            remove_shard(files, directory, shard)
            log.info("log_month_removed", shard=shard, entries=signed.size)
        return due

    def _carry_out(self, request: Request) -> None:
        try:
            answer = self._does[request.kind](self, request)
        except LogUnwritable:
            raise
        except EvidenceError as error:
            self._settle(request, requests.REFUSED, {"detail": str(error)})
            return
        self._settle(request, requests.DONE, answer)

    def _settle(self, request: Request, outcome: requests.Outcome, answer: Body) -> None:
        with self._store.transaction() as connection:
            requests.settle(connection, request.id, outcome, answer)

    def _hold(self, request: Request) -> Body:
        """The file first, then the entry: a hold is in force before anybody is told so.

        Where a crash came between the two, the entry says of the hold what the file says.
        """
        now_us, reason = self._clock.now_us(), str(request.body["reason"])
        shards = shards_named(str(request.body["shards"]))
        name = str(request.body.get("hold") or f"hold-{request.id}")
        hold = Hold(name, tuple(shards), request.actor, reason, now_us)
        files, directory = self._notes.files, self._notes.directory
        placed = next((other for other in read_holds(files, directory) if _is_same(hold, other)), None)
        if placed is None:
            place_hold(files, directory, hold)
        logged_us = (placed or hold).logged
        self._note(log_leaves.hold_leaf(name, shards, request.actor, reason, logged_us), now_us)
        return {"hold": name, "shards": shards}

    def _release(self, request: Request) -> Body:
        """The entry first, then the file: nothing is pruned of which the log does not say that it was released."""
        now_us, name, reason = self._clock.now_us(), str(request.body["hold"]), str(request.body["reason"])
        files, directory = self._notes.files, self._notes.directory
        held = next((hold for hold in read_holds(files, directory) if hold.hold == name), None)
        if held is None:
            release_hold(files, directory, name)  # says which there are
        assert held is not None
        self._note(log_leaves.release_leaf(name, held.shards, request.actor, reason, now_us), now_us)
        release_hold(files, directory, name)
        return {"hold": name, "shards": list(held.shards)}

    def _prune(self, request: Request) -> Body:
        return {"removed": self.prune()}

    def _erase(self, request: Request) -> Body:
        return Erasing(self._notes, self._store, self._clock, self._progress).carry_out(request)

    def _note(self, leaf: bytes, now_us: int) -> None:
        collected = Collected()
        collected.add(leaf)
        self._notes.note(collected.entries(), self._store, now_us)

    _does: Mapping[str, Callable[[Upkeep, Request], Body]] = {
        "erase": _erase,
        "hold": _hold,
        "release": _release,
        "prune": _prune,
    }


def _is_same(hold: Hold, other: Hold) -> bool:
    """Whether a hold is in force already: it was placed, and a crash came before its entry."""
    return msgspec.structs.replace(hold, logged=other.logged) == other
