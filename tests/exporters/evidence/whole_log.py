"""Logs with something of everything in them, as an agent writes them, for tests that read, verify, damage and export."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from exporters.evidence import leaves, log_leaves
from exporters.evidence.commitment import commitments, document_payload, record_payload
from exporters.evidence.entries import PLAIN, SALT_BYTES, SEALED, Entries, joined
from exporters.evidence.event_leaves import Origin, Verdict, inference_leaves, label_leaves, oversight_leaves
from exporters.evidence.files import DiskFiles
from exporters.evidence.note import Signer
from exporters.evidence.recorded import Recorded
from exporters.evidence.retention import Hold, place_hold
from exporters.evidence.seal import Sealer
from exporters.evidence.writer import EvidenceLog

NOVEMBER_US = 1_795_000_000_000_000
DECEMBER_US = NOVEMBER_US + 20 * 86_400_000_000
NAME = "wachter/test/0123456789abcdef"
SIGNER = Signer(NAME, bytes(range(32)))
STREAM = ("lending", "credit", "1")
TOPIC = "scoring"
ACCEPTED = Verdict(STREAM, "accepted", "", "approve", "inside")


class OneKey:
    """A key store with one key for everybody."""

    def get_or_make(self, tag: int) -> tuple[bytes, bytes]:
        return bytes(16), bytes(range(32))

    def find(self, key_id: bytes) -> bytes | None:
        return bytes(range(32)) if key_id == bytes(16) else None


def salts(count: int, seed: str) -> bytes:
    return b"".join(sha256(f"{seed} {number}".encode()).digest() for number in range(count))


def record(number: int, fields: str = "") -> bytes:
    """The value of an inference record; ``fields`` are more features, as JSON members."""
    more = f",{fields}" if fields else ""
    return (
        f'{{"schema_version":"1","event_type":"inference","event_id":"e-{number}",'
        f'"features":{{"income":{number}{more}}}}}'
    ).encode()


@dataclass(slots=True)
class WholeLog:
    """Writes a log step by step.

    Attributes:
        directory: of the log; now_us: its clock; offset: of the next record.
        fields: more features of each event, as JSON members.
    """

    directory: Path
    now_us: int = NOVEMBER_US
    offset: int = 0
    recorded: Recorded | None = None
    fields: str = ""
    log: EvidenceLog = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        files = DiskFiles(durable=False)
        self.log = EvidenceLog.open(self.directory, SIGNER, self.recorded, self.now_us, name=NAME, files=files)

    def step(self, *batches: Entries) -> Recorded:
        """One step of an agent, from the append to the transaction."""
        self.log.append(joined(batches), self.now_us)
        self.recorded = self.log.sync()
        self.log.recorded()
        return self.recorded

    def sign(self) -> None:
        self.log.publish(self.now_us)

    def close(self) -> Path:
        """Sign what is there and let go of the log."""
        self.sign()
        self.log.close()
        return self.directory

    def events(self, count: int, *, sealed: bool = False) -> Entries:
        """Inference events, as they follow in the partition."""
        numbers = range(self.offset, self.offset + count)
        payloads: list[bytes | None] = [record_payload(record(number, self.fields)) for number in numbers]
        salted = salts(count, f"e{self.offset}")
        told = inference_leaves(
            self._origin(), [f"e-{number}" for number in numbers], [self.now_us - 1_000] * count, numbers,
            [ACCEPTED], [0] * count, commitments([payload or b"" for payload in payloads], salted),
        )  # fmt: skip
        self.offset += count
        if not sealed:
            return Entries(told, payloads, salted)
        tags = [1 + number % 3 for number in numbers]
        closed: list[bytes | None] = list(Sealer(OneKey()).seal_all([p or b"" for p in payloads], salted, tags))
        return Entries(told, closed, salted, tags, bytes([SEALED]) * count)

    def label(self, of: str) -> Entries:
        return self._about(of, b'{"label":1}', lambda ids, offsets, told: label_leaves(
            self._origin(), ids, [of], [self.now_us], offsets, told))  # fmt: skip

    def review(self, of: str, action: str = "reviewed") -> Entries:
        return self._about(of, b'{"actor_ref":"kim","reason":"checked"}', lambda ids, offsets, told: oversight_leaves(
            self._origin(), ids, [of], [action], [self.now_us], offsets, told))  # fmt: skip

    def document(self, document: bytes, compose: object, seed: str) -> Entries:
        payload, salt = document_payload(document), salts(1, seed)
        (told,) = commitments([payload], salt)
        assert callable(compose)
        return Entries([compose(told)], [payload], salt)

    def settings(self, document: bytes = b'{"systems":[],"log":{"payloads":"sealed"}}') -> Entries:
        digest = sha256(document).hexdigest()
        return self.document(
            document, lambda told: leaves.settings_leaf(None, digest, self.now_us, {"lending": 5}, told), digest
        )

    def window(self, number: int = 0) -> Entries:
        return self.document(
            b'{"metric":"volume"}\n',
            lambda told: leaves.window_leaf(
                (*STREAM, ""), "window", (number, number + 1, number + 1), 3, False, {"ok": 1}, 1, self.now_us, told
            ),
            f"window {number}",
        )

    def hold(self, name: str) -> Entries:
        """An entry of a hold, which is in force already."""
        hold = Hold(name, ("2026-11",), "kim", "dispute", self.now_us)
        place_hold(DiskFiles(durable=False), self.directory, hold)
        return bare(log_leaves.hold_leaf(hold.hold, hold.shards, hold.actor, hold.reason, hold.logged))

    def start(self) -> Entries:
        return bare(leaves.start_leaf("0.1.0", self.now_us, [(TOPIC, 0, self.offset)]))

    def clock(self, watermark_us: int) -> Entries:
        return bare(leaves.clock_leaf(STREAM[0], watermark_us, watermark_us, self.now_us))

    def _origin(self) -> Origin:
        return Origin(TOPIC, 0, self.now_us)

    def _about(self, of: str, value: bytes, compose: object) -> Entries:
        payload, salted = record_payload(value), salts(1, f"about {of} {self.offset}")
        assert callable(compose)
        told = compose([f"about-{of}-{self.offset}"], [self.offset], commitments([payload], salted))
        self.offset += 1
        return Entries(told, [payload], salted)


def bare(leaf: bytes) -> Entries:
    """An entry without a payload."""
    return Entries([leaf], [None], bytes(SALT_BYTES), None, bytes([PLAIN]))


def small_log(directory: Path) -> Path:
    """Two shards, several checkpoints, a hold; plain, sealed and absent payloads; some 700 entries, tiles of all widths."""
    whole = WholeLog(directory)
    whole.step(whole.start(), whole.settings(), whole.events(20))
    whole.sign()
    whole.step(whole.events(300), whole.clock(NOVEMBER_US), whole.window())
    whole.step(whole.events(40, sealed=True), whole.label("e-3"), whole.review("e-3"))
    whole.sign()
    whole.step(whole.events(7))
    whole.now_us = DECEMBER_US
    whole.step(whole.events(199), whole.window(1), whole.hold("h1"))
    whole.sign()
    whole.step(whole.events(90, sealed=True), whole.events(3))
    return whole.close()


def tiny_log(directory: Path, count: int = 50) -> Path:
    """One shard of ``count`` entries and two checkpoints."""
    whole = WholeLog(directory)
    whole.step(whole.start(), whole.settings(), whole.events(20))
    whole.sign()
    whole.step(whole.events(7, sealed=True), whole.label("e-1"))
    size = whole.recorded.size if whole.recorded is not None else 0
    whole.step(whole.events(count - size))
    return whole.close()


def large_log(directory: Path, packed: int = 1) -> Path:
    """One shard with packed ranges and a loose one, and a shard behind it."""
    whole = WholeLog(directory)
    whole.step(whole.start(), whole.settings(), whole.events(9))
    whole.sign()
    while whole.offset < packed * 65_536 + 700:
        whole.step(
            whole.events(5_000, sealed=whole.offset // 5_000 % 3 == 0),
            whole.label(f"e-{whole.offset // 2}"),
            whole.window(),
        )
        whole.sign()
    whole.now_us = DECEMBER_US
    whole.step(whole.events(300))
    return whole.close()
