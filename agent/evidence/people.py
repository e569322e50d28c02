"""The persons that payloads speak of: tags to find them by, and keys to seal them with, so that each can be forgotten.

Records without a person, and labels and oversight events, are sealed with the key of tag 0, the log's own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from typing import Any, cast

from agent.evidence.collected import RandomBytes
from agent.state import evidence
from agent.state.evidence import SubjectKey
from detectors.texts import InvalidText, text_of
from exporters.evidence.seal import KEY_BYTES, KEY_ID_BYTES, NOBODY, Sealer, subject_tags

MOST_REMEMBERED = 50_000
"""Tags kept in memory."""


class People:
    """Owned by the loop's thread. New keys are part of the step's transaction."""

    def __init__(self, connection: sqlite3.Connection, pepper: bytes, random_bytes: RandomBytes = os.urandom) -> None:
        self._connection = connection
        self._pepper = pepper
        self._random_bytes = random_bytes
        self._new: dict[int, SubjectKey] = {}
        self._tags: dict[Any, int] = {"": NOBODY}
        self._sealer = Sealer(self)

    def tags(self, subjects: Sequence[object]) -> list[int]:
        """The tag of each raw ``subject_ref``; 0 where an event names nobody."""
        if subjects.count(None) == len(subjects):
            return [NOBODY] * len(subjects)
        names = subjects if set(map(type, subjects)) == {str} else [_name(subject) or "" for subject in subjects]
        self._learn(cast(Sequence[str], names))
        return list(map(self._tags.__getitem__, names))

    def seal(self, payloads: Sequence[bytes], salts: bytes, tags: Sequence[int]) -> list[bytes]:
        """Each payload sealed with the key of its person."""
        return self._sealer.seal_all(payloads, salts, tags)

    def get_or_make(self, tag: int) -> SubjectKey:
        """The key of a person; a new one where there is none, or where the old one was erased."""
        known = self._new.get(tag) or evidence.subject_key(self._connection, tag)
        if known is None:
            known = self._new[tag] = SubjectKey(self._random_bytes(KEY_ID_BYTES), self._random_bytes(KEY_BYTES))
        return known

    def _learn(self, names: Sequence[str]) -> None:
        """Know the tags of these names; persons come again, and a hash costs more than a look."""
        new = set(names) - self._tags.keys()
        if len(self._tags) + len(new) > MOST_REMEMBERED:
            self._tags, new = {"": NOBODY}, {*names} - {""}
        told = sorted(new)
        self._tags.update(zip(told, subject_tags(told, self._pepper), strict=True))

    def write(self) -> None:
        """Inside the transaction."""
        evidence.put_subject_keys(self._connection, self._new)

    def begin(self) -> None:
        """After the transaction, or after one that failed: what is not in the state does not exist."""
        self._new.clear()


def _name(subject: object) -> str | None:
    """Events name persons by a text or a whole number; anything else is nobody."""
    try:
        return text_of(subject)
    except InvalidText:
        return None
