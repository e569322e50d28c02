"""Commitments: as anybody can compute them again."""

from __future__ import annotations

import base64
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from exporters.evidence.commitment import commitments, document_payload, record_payload


@given(st.lists(st.binary(max_size=100), max_size=20), st.randoms(use_true_random=False))
def test_a_commitment_is_the_base64_of_the_sha_256_over_salt_and_payload(payloads: list[bytes], chance: object) -> None:
    salts = chance.randbytes(32 * len(payloads))  # type: ignore[attr-defined]
    expected = [
        base64.b64encode(hashlib.sha256(salts[32 * i : 32 * i + 32] + payload).digest())
        for i, payload in enumerate(payloads)
    ]
    assert [text + b"=" for text in commitments(payloads, salts)] == expected


def test_a_record_without_headers_is_its_value_behind_a_zero() -> None:
    assert record_payload(b"{}") == b"\x00{}"


def test_headers_stand_as_json_before_the_value() -> None:
    payload = record_payload(b"value", [("ce-id", b"\xff1")])
    length = int.from_bytes(payload[1:5], "little")
    assert payload[0] == 1
    assert json.loads(payload[5 : 5 + length]) == [["ce-id", base64.b64encode(b"\xff1").decode()]]
    assert payload[5 + length :] == b"value"


def test_a_document_stands_behind_a_two() -> None:
    assert document_payload(b"a: 1") == b"\x02a: 1"
