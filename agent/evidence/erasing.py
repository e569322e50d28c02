"""Carrying out an erasure: the log says what goes, then it goes, from the log and from the state.

How far it has come stands in the request, so that one which a crash interrupts is taken up where it was: what the log has
said is then erased, whether it can still be found or not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from agent.clock import Clock
from agent.evidence.collected import Collected
from agent.evidence.erasure import (
    Persons,
    document_of,
    erase_from_state,
    holds_any,
    incidents_that_hold,
    scrub,
)
from agent.evidence.log_journal import AlsoWrite, write_nothing
from agent.state import evidence, requests
from agent.state.requests import Body, Request
from agent.state.store import Store
from exporters.evidence import log_leaves
from exporters.evidence.entries import Entries
from exporters.evidence.files import Files
from exporters.evidence.mentions import Mentions, Progress, Search
from exporters.evidence.reader import LogReader
from exporters.evidence.seal import subject_tags


class Notes(Protocol):
    """The open log, as upkeep needs it."""

    @property
    def directory(self) -> Path: ...

    @property
    def files(self) -> Files: ...

    def note(self, entries: Entries, store: Store, now_us: int, also: AlsoWrite = write_nothing) -> None:
        """Append entries, and record them in a transaction that ``also`` writes to."""

    def erase(self, entries: Mapping[str, Collection[int]]) -> None:
        """Erase payloads for good, by shard."""


class _Plan(msgspec.Struct):
    """The body of a request to erase, and how far it has come.

    Attributes:
        subjects: whom; entries, decisions: what the log holds of them, once that was searched.
        answer: what was erased; only the state is to be compacted then.
    """

    subjects: list[str]
    entries: dict[str, list[int]] | None = None
    decisions: list[str] = []
    answer: Body | None = None


class Erasing:
    """Owned by the loop's thread, or by the command that holds the state."""

    def __init__(self, notes: Notes, store: Store, clock: Clock, progress: Progress) -> None:
        self._notes = notes
        self._store = store
        self._clock = clock
        self._progress = progress

    def carry_out(self, request: Request) -> Body:
        """Search, say, erase, then compact the state; what was erased.

        Raises:
            LogUnwritable, StateError: not all of it could be done; to be called again.
            LogDamaged: the log cannot be read.
        """
        plan = msgspec.convert(request.body, _Plan)
        if plan.answer is None:
            persons = persons_of(self._store.connection, plan.subjects)
            if plan.entries is None:
                plan = self._planned(request, plan, persons)
            plan = self._erased(request, plan, persons)
        scrub(self._store)
        return plan.answer or {}

    def _planned(self, request: Request, plan: _Plan, persons: Persons) -> _Plan:
        """What is to be erased; the log says so, and in the same transaction the request, should a crash come between."""
        found = search(LogReader(self._notes.directory), self._store.connection, persons, self._progress)
        plan = msgspec.structs.replace(plan, entries=found.entries, decisions=sorted(found.decisions))
        if len(found):
            now_us, collected = self._clock.now_us(), Collected()
            collected.add_document(
                document_of(found.entries),
                lambda commitment: log_leaves.erasure_leaf(request.actor, len(found), now_us, commitment),
            )
            self._notes.note(
                collected.entries(), self._store, now_us, lambda connection: _put(connection, request, plan)
            )
        return plan

    def _erased(self, request: Request, plan: _Plan, persons: Persons) -> _Plan:
        """Without what was to be erased; the request names nobody any more."""
        entries = plan.entries or {}
        self._notes.erase(entries)
        with self._store.transaction() as connection:
            rows = erase_from_state(connection, persons, plan.decisions)
            named = incidents_that_hold(connection, persons.holds)
            answer: Body = {"payloads": sum(map(len, entries.values())), **rows, "incidents": named}
            done = _Plan(subjects=[], answer=answer)
            _put(connection, request, done)
        return done


def _put(connection: sqlite3.Connection, request: Request, plan: _Plan) -> None:
    requests.put_body(connection, request.id, msgspec.to_builtins(plan))


def persons_of(connection: sqlite3.Connection, names: list[str]) -> Persons:
    """Persons by their names, as events give them in ``subject_ref``."""
    pepper = evidence.get(connection, evidence.PEPPER)
    tags = subject_tags(names, bytes.fromhex(pepper)) if pepper else []
    return Persons(names, tags, holds_any(names))


def search(reader: LogReader, connection: sqlite3.Connection, persons: Persons, progress: Progress) -> Mentions:
    """What the log holds of persons.

    Raises:
        LogDamaged: it cannot be read.
    """
    return Search(reader, persons.tags, persons.holds, lambda key_id: evidence.key_of_id(connection, key_id)).run(
        progress
    )
