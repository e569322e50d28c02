"""Records that nobody can read, and such as are too large: set aside with reason and bytes, and the partition moves on."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.faults.conftest import Note
from tests.faults.generator import Story
from tests.faults.process import usage
from tests.faults.report import SEED, scaled
from tests.faults.scene import Scene
from tests.parts.fixtures import require_kafka
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = [pytest.mark.parts, pytest.mark.slow]
MEBIBYTE = 1 << 20
LIMIT_MEBIBYTES = 512
"""The default of limits.memory_bytes."""

BEFORE = (
    b'{"schema_version":"1","event_type":"inference","event_id":"p","occurred_at":"2026-01-01T00:00:00Z",'
    b'"system_id":"lending",'
)
PLACED = BEFORE + b'"model":{"name":"credit","version":"1"},'
POISON: dict[str, tuple[bytes | None, str]] = {
    "tombstone": (None, "empty"),
    "nothing": (b"", "empty"),
    "bad UTF-8": (b"\xff\xfe\x00", "bad_encoding"),
    "bad UTF-8 within": (PLACED.replace(b'"p"', b'"\xc3("') + b'"features":{}}', "bad_encoding"),
    "no JSON": (b"not json", "bad_json"),
    "half a record": (PLACED, "bad_json"),
    "NaN": (PLACED + b'"features":{"x":NaN}}', "bad_json"),
    "wrong types": (BEFORE.replace(b'"p"', b"[7]") + b'"model":9}', "bad_field"),
    "no object": (b"[1,2,3]", "not_an_object"),
    "a million brackets": (b"[" * 1_000_000, "too_deep"),
    "a million braces": (b'{"a":' * 170_000, "too_deep"),
    "magic byte of a schema registry": (b"\x00\x00\x00\x00\x07" + PLACED + b'"features":{}}', "bad_json"),
    "compressed by the producer itself": (gzip.compress(b"x" * 1000), "bad_encoding"),
    "zlib": (zlib.compress(b"x" * 1000), "bad_encoding"),
}
"""By name: the bytes, and why they are set aside."""


@pytest.fixture(scope="module")
def large_broker() -> Iterator[KafkaBroker]:
    """A broker that takes requests of any size."""
    require_kafka()
    started = KafkaBroker(heap_mebibytes=2048)
    started.set("socket.request.max.bytes", "1000000000")
    with started:
        yield started


def rejects(agent: LiveAgent) -> list[dict[str, object]]:
    return [json.loads(line) for line in agent.command("rejects", "list", "--json", "--limit", "100000").splitlines()]


def test_each_kind_of_poison_is_set_aside_with_its_reason_and_its_neighbours_are_counted(
    tmp_path: Path, broker: KafkaBroker
) -> None:
    scene = Scene(Story(seed=31), broker).create()
    chance = np.random.default_rng(SEED)
    for record, _ in POISON.values():
        hand = scene.hands[int(chance.integers(scene.partitions))]
        hand.insert(int(chance.integers(len(hand))), record)
    scene.tell()
    with scene.read_by(tmp_path) as agent:
        agent.until(lambda: scene.is_told(agent))
        scene.holds(agent, rejected=len(POISON))
        assert Counter(one["reason"] for one in rejects(agent)) == Counter(reason for _, reason in POISON.values())
        assert "Traceback" not in agent.output


def mutated(record: bytes, chance: np.random.Generator) -> bytes:
    """The record with bytes flipped, dropped or doubled; never a record of the story again."""
    at = int(chance.integers(len(record) - 8))
    return [
        record[:at],
        record[:at] + bytes(chance.integers(0, 256, 4, dtype=np.uint8)) + record[at + 4 :],
        record[at:] + record,
        record[:at] + b'"' + record[at:],
    ][int(chance.integers(4))]


def test_fuzzed_records_stop_nothing_and_every_one_is_in_a_class(
    tmp_path: Path, broker: KafkaBroker, note: Note
) -> None:
    """Ids of the victims are not those of the story, so that what can still be read is counted beside it."""
    scene = Scene(Story(seed=32), broker).create()
    chance, fuzzed = np.random.default_rng(SEED), scaled(2000, 200_000)
    victims = Story(seed=33, events=500, prefix="victim-", start=scene.story.sentinel_at).records
    poison = [mutated(victims[int(chance.integers(len(victims)))], chance) for _ in range(fuzzed)]
    scene.tell(0.0, 0.5)
    scene.write([poison[number :: scene.partitions] for number in range(scene.partitions)])
    with scene.read_by(tmp_path) as agent:
        agent.until(lambda: scene.is_read(agent), 60)
        assert agent.get("/-/healthy").status == 200
        found = agent.counters()
        assert "Traceback" not in agent.output
    classes = sum(found.get(name, 0) for name in ("accepted", "rejected", "duplicate", "late"))
    others = found.get("labels_received", 0) + found.get("oversights", 0)
    assert found["received"] == classes
    assert found["received"] + others == sum(scene.produced.values())
    note(fuzzed=fuzzed, seed=SEED, rejected=found["rejected"])


def told_with(scene: Scene, tmp_path: Path, rejected: int) -> float:
    """Let an agent read the whole story; the most memory it took, in MiB."""
    scene.tell(0.5, 1.0)
    with scene.read_by(tmp_path) as agent:
        agent.until(lambda: scene.is_told(agent), 90)
        scene.holds(agent, rejected=rejected)
        assert {one["reason"] for one in rejects(agent)} == {"too_large"}
        return usage(agent.pid).peak_mebibytes


def test_compression_bombs_are_set_aside_within_the_memory_limit(
    tmp_path: Path, large_broker: KafkaBroker, note: Note
) -> None:
    """As large again as the whole limit, in a few kilobytes."""
    scene, mebibytes = large_scene(large_broker), scaled(200, 600)
    for codec in ("gzip", "lz4", "snappy", "zstd"):
        scene.write([[b" " * (mebibytes * MEBIBYTE)], []], compression_type=codec)
    peak = told_with(scene, tmp_path, rejected=4)
    note(mebibytes=mebibytes, peak_mebibytes=peak)
    assert peak < LIMIT_MEBIBYTES


def test_messages_of_5_20_and_200_mib_are_passed_over_and_counted_within_the_memory_limit(
    tmp_path: Path, large_broker: KafkaBroker, note: Note
) -> None:
    scene = large_scene(large_broker)
    for mebibytes in (5, 20, 200):
        scene.write([[b"x" * (mebibytes * MEBIBYTE)], []])
    peak = told_with(scene, tmp_path, rejected=3)
    note(peak_mebibytes=peak)
    assert peak < LIMIT_MEBIBYTES


def large_scene(broker: KafkaBroker) -> Scene:
    """Half told, on a topic that takes messages of any size."""
    scene = Scene(Story(seed=34, events=1000), broker, partitions=2).create(max_message_bytes="1000000000")
    scene.tell(0.0, 0.5)
    return scene
