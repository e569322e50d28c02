"""The one page that comes with an export: what it is, and how to verify it with the tools of others."""

from __future__ import annotations

from collections.abc import Sequence

from exporters.evidence.frames import HEAD_BYTES
from exporters.evidence.heads import Signed
from exporters.evidence.note import Verifier
from exporters.evidence.spelling import encode_base64

_TILES = """\
The layout of each shard is C2SP tlog-tiles (https://c2sp.org/tlog-tiles):

  <shard>/checkpoint             signed head: origin, number of entries, root, Ed25519 signature
  <shard>/checkpoints            every head that was ever signed, each followed by a line --- SIZE
  <shard>/tile/<L>/<N>[.p/<W>]   hashes of level L, 32 bytes each, 256 a tile
  <shard>/tile/entries/<N>...    entries, each behind its length (2 bytes, big-endian)

To verify with Go, and nothing of the program that wrote the log (golang.org/x/mod/sumdb/note and .../tlog):

  1. verifiers: note.NewVerifier for each line of log.vkey. Compare the lines with a copy from elsewhere.
  2. n, err := note.Open(<shard>/checkpoint, note.VerifierList(verifiers...)). The second line of n.Text is the number of
     entries, the third the root in base64.
  3. for each bundle in tile/entries, for each entry: tlog.RecordHash(entry) must be the hash at its place in tile/0.
  4. each full tile of level L hashes to one hash of level L+1 (tlog.NodeHash, pairwise, eight times).
  5. tlog.TreeHash(size, reader) over those hashes must be the root of the checkpoint.
  6. an older checkpoint of yours: tlog.ProveTree and tlog.CheckTree show that this log continues it.
"""

_PACKS = f"""\
Entries are packed, to be small: <shard>/pack and <shard>/segment hold them in zstd frames. Export with --layout tiles to
verify with programs that know C2SP tlog-tiles only, or unpack a frame: {HEAD_BYTES} bytes of head ("<4sBQIII32s": WEF1,
kind 1, first entry, count, raw bytes, stored bytes, SHA-256 of head without digest and body), then a zstd frame of entries,
each behind its length (2 bytes, big-endian).
"""


def readme(heads: Sequence[Signed], verifiers: Sequence[Verifier], form: str, *, payloads: bool) -> str:
    """The text of README.txt."""
    shards = "\n".join(f"  {head.shard}   {head.size} entries, root {encode_base64(head.root)}" for head in heads)
    keys = "\n".join(f"  {verifier}" for verifier in verifiers)
    beside = "with the payloads of the entries (personal data may be in them)" if payloads else "without payloads"
    return f"""\
AN EXPORT OF AN EVENT LOG, {beside}

The log is tamper-evident, not tamper-proof: it is a Merkle tree (RFC 6962, SHA-256) whose head is signed every few seconds.
Changing, dropping, inserting or reordering an entry changes the root.

Shards (months, UTC) in this export:
{shards}

Public keys, one a line in log.vkey:
{keys}

{_TILES if form == "tiles" else _PACKS}
An entry is a JSON object; "type" says what it is. "payload" is a commitment, SHA-256(salt || payload) in base64: features,
protected attributes and persons stand in no entry. A shard's entry 0 holds the last checkpoint of the month before it.

documents/   settings and references that were in force, taken from the entries that name their digest.
proofs/      C2SP tlog-proofs (https://c2sp.org/tlog-proof) of those entries and of every start. The line "extra" is the
             entry itself in base64; its hash, tlog.RecordHash, is what tlog.CheckRecord proves to be in the tree.
bundle.json  what was exported, with the SHA-256 of each document and of this page. Nothing that is signed vouches for it.

What this cannot show: whoever holds the signing key could have rewritten what no copied checkpoint covers. So compare the
checkpoints with copies that were sent elsewhere. A producer that never sent an event is seen by nobody; gaps between the
offsets that the entries carry are, and each is explained by an entry of type "gap" or "takeover".
"""
