"""Sealed payloads open with their key and salt alone, and tags do not name anybody."""

from __future__ import annotations

import os

from exporters.evidence.seal import KEY_ID_BYTES, OVERHEAD_BYTES, Sealer, open_sealed, subject_tags

SALT = bytes(range(32))


class Keys:
    def __init__(self) -> None:
        self.by_tag: dict[int, tuple[bytes, bytes]] = {}
        self.asked: list[int] = []

    def get_or_make(self, tag: int) -> tuple[bytes, bytes]:
        self.asked.append(tag)
        return self.by_tag.setdefault(tag, (os.urandom(KEY_ID_BYTES), os.urandom(32)))

    def find(self, key_id: bytes) -> bytes | None:
        return dict(self.by_tag.values()).get(key_id)


def test_a_sealed_payload_opens_with_its_key_and_salt() -> None:
    keys = Keys()
    blob = Sealer(keys).seal(b"a loan", SALT, 7)
    assert len(blob) == len(b"a loan") + OVERHEAD_BYTES
    assert b"loan" not in blob
    assert open_sealed(blob, SALT, keys.find) == b"a loan"


def test_without_its_key_a_payload_is_gone() -> None:
    keys = Keys()
    blob = Sealer(keys).seal(b"a loan", SALT, 7)
    del keys.by_tag[7]
    assert open_sealed(blob, SALT, keys.find) is None


def test_a_payload_that_was_changed_or_moved_to_another_salt_does_not_open() -> None:
    keys = Keys()
    blob = Sealer(keys).seal(b"a loan", SALT, 7)
    assert open_sealed(blob[:-1] + bytes([blob[-1] ^ 1]), SALT, keys.find) is None
    assert open_sealed(blob, bytes(32), keys.find) is None
    assert open_sealed(blob[:10], SALT, keys.find) is None


def test_a_batch_asks_for_each_key_once_and_seals_each_payload_under_its_own() -> None:
    keys = Keys()
    salts = os.urandom(96)
    blobs = Sealer(keys).seal_all([b"one", b"two", b"three"], salts, [5, 6, 5])
    assert keys.asked == [5, 6]
    assert [blob[:KEY_ID_BYTES] for blob in blobs] == [keys.by_tag[tag][0] for tag in (5, 6, 5)]
    opened = [open_sealed(blob, salts[32 * n : 32 * n + 32], keys.find) for n, blob in enumerate(blobs)]
    assert opened == [b"one", b"two", b"three"]


def test_two_sealings_of_one_payload_differ() -> None:
    keys = Keys()
    sealer = Sealer(keys)
    assert sealer.seal(b"a loan", SALT, 7) != sealer.seal(b"a loan", SALT, 7)


def test_a_tag_is_the_same_for_a_subject_and_another_under_another_pepper() -> None:
    first, again, other = subject_tags(["ann", "ann", "bob"], bytes(32))
    assert first == again != other
    assert subject_tags(["ann"], bytes(31) + b"\x01") != [first]
    assert 0 < first < 2**64
