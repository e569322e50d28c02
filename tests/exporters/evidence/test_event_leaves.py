"""Leaves of records: JSON in the documented order of keys, whatever ids, names and outcomes are."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.evidence.commitment import commitments
from exporters.evidence.event_leaves import (
    Origin,
    Verdict,
    inference_leaves,
    label_leaves,
    oversight_leaves,
    unreadable_leaf,
)

ORIGIN = Origin("scoring", 3, 1_764_000_000_000_000)
STREAM = ("lending", "credit", "3.1")
ACCEPTED = Verdict(STREAM, "accepted", "", "approve", "inside")
SALTS = bytes(32 * 2)
TEXT = commitments([b"a", b"b"], SALTS)


def test_an_inference_leaf_is_compact_json_in_the_documented_order() -> None:
    (leaf,) = inference_leaves(ORIGIN, ["e1"], [17], [42], [ACCEPTED], [0], TEXT[:1])
    assert leaf == (
        b'{"type":"inference","id":"e1","at":17,"logged":1764000000000000,"stream":["lending","credit","3.1"],'
        b'"source":["scoring",3,42],"class":"accepted","output":"approve","envelope":"inside","payload":"%b="}'
        % TEXT[0]
    )


def test_each_event_has_its_own_verdict() -> None:
    rejected = Verdict(STREAM, "rejected", "future", None, "undeclared")
    leaves = inference_leaves(ORIGIN, ["a", "b", "c"], [1, 2, 3], [7, 8, 9], [ACCEPTED, rejected], [0, 1, 0], None)
    told = [json.loads(leaf) for leaf in leaves]
    assert [leaf["class"] for leaf in told] == ["accepted", "rejected", "accepted"]
    assert list(told[1])[6:9] == ["class", "reason", "output"]
    assert (told[1]["reason"], told[1]["output"], told[1]["payload"]) == ("future", None, None)
    assert "reason" not in told[0]


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(names, names, names)
def test_names_come_back_as_they_were_given(id_: str, system: str, output: str) -> None:
    verdict = Verdict((system, "100%", "%b%d"), "accepted", "", output, "inside")
    (leaf,) = inference_leaves(Origin("50%", 0, 1), [id_], [1], [2], [verdict], [0], None)
    told = json.loads(leaf)
    assert (told["id"], told["stream"], told["output"]) == (id_, [system, "100%", "%b%d"], output)
    assert told["source"] == ["50%", 0, 2]


def test_a_lone_surrogate_becomes_the_text_of_its_escape() -> None:
    verdict = Verdict(("s", "m", "v\udcff"), "accepted", "", None, "inside")
    leaves = inference_leaves(ORIGIN, ["a\ud800", "b"], [1, 1], [1, 2], [verdict], [0, 0], None)
    told = [json.loads(leaf.decode()) for leaf in leaves]
    assert [leaf["id"] for leaf in told] == ["a\\ud800", "b"]
    assert told[0]["stream"][2] == "v\\udcff"


def test_label_and_oversight_leaves_name_the_prediction() -> None:
    (label,) = label_leaves(ORIGIN, ["l"], ["e"], [5], [6], TEXT[:1])
    (oversight,) = oversight_leaves(ORIGIN, ["o"], ["e"], ["overridden"], [5], [7], TEXT[1:])
    assert list(json.loads(label)) == ["type", "id", "ref", "at", "logged", "source", "payload"]
    told = json.loads(oversight)
    assert list(told) == ["type", "id", "ref", "action", "at", "logged", "source", "payload"]
    assert (told["ref"], told["action"], told["source"]) == ("e", "overridden", ["scoring", 3, 7])
    assert len(base64.b64decode(told["payload"])) == 32


@pytest.mark.parametrize(("commitment", "payload"), [(None, None), (TEXT[0], TEXT[0].decode() + "=")])
def test_a_record_that_could_not_be_read_says_why_and_how_long_it_was(
    commitment: bytes | None, payload: str | None
) -> None:
    told = json.loads(unreadable_leaf(ORIGIN, 9, "bad_json", 20_000, commitment))
    assert told == {
        "type": "record",
        "logged": 1_764_000_000_000_000,
        "source": ["scoring", 3, 9],
        "class": "rejected",
        "reason": "bad_json",
        "size": 20_000,
        "payload": payload,
    }


def test_nothing_gives_nothing() -> None:
    assert inference_leaves(ORIGIN, [], [], [], [], [], None) == []
