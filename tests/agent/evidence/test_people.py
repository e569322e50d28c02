"""Persons are found by their tags, and each is sealed with a key of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from agent.evidence import people as module
from agent.evidence.people import People
from agent.state import evidence
from exporters.evidence.seal import open_sealed, subject_tags

PEPPER = b"p" * 32


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    one = sqlite3.connect(":memory:")
    evidence.create_schema(one)
    yield one
    one.close()


@pytest.fixture
def people(connection: sqlite3.Connection) -> People:
    return People(connection, PEPPER)


def test_a_tag_is_that_of_the_name_whatever_stands_beside_it(people: People) -> None:
    kim, seventeen = subject_tags(["kim", "17"], PEPPER)
    assert people.tags(["kim", None, 17, "kim", "", ["no name"]]) == [kim, 0, seventeen, kim, 0, 0]
    assert people.tags(["kim", "kim"]) == [kim, kim]
    assert people.tags([None, None]) == [0, 0]


def test_tags_are_forgotten_when_there_are_too_many_and_stay_the_same(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 3)
    names = ["a", "b", "c", "d", "e"]
    assert [people.tags([name, None])[0] for name in names] == subject_tags(names, PEPPER)
    assert people.tags(names) == subject_tags(names, PEPPER)


def test_a_key_is_kept_with_the_transaction_and_found_again(connection: sqlite3.Connection, people: People) -> None:
    made = people.get_or_make(5)
    people.write()
    people.begin()
    assert People(connection, PEPPER).get_or_make(5) == made


def test_a_key_of_a_step_that_failed_does_not_exist(people: People) -> None:
    made = people.get_or_make(5)
    people.begin()
    assert people.get_or_make(5) != made


def test_a_person_whose_key_was_deleted_gets_another_one(connection: sqlite3.Connection, people: People) -> None:
    made = people.get_or_make(5)
    people.write()
    people.begin()
    connection.execute("DELETE FROM subject_key")
    assert people.get_or_make(5) != made


def test_payloads_open_with_the_key_of_their_person_only(people: People) -> None:
    salts = bytes(64)
    sealed = people.seal([b"of kim", b"of sam"], salts, [1, 2])
    keys = dict(people.get_or_make(tag) for tag in (1, 2))
    assert [open_sealed(one, bytes(32), keys.get) for one in sealed] == [b"of kim", b"of sam"]
    of_sam = dict([people.get_or_make(2)])
    assert open_sealed(sealed[0], bytes(32), of_sam.get) is None
