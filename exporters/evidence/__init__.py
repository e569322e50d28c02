"""The event log as evidence: a Merkle tree, tiles, signed checkpoints and proofs in public formats."""
