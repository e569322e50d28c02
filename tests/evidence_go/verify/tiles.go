package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// shard is one tree of the log: LOG/<name>.
type shard struct {
	dir, name string
	head      *checkpoint
	roots     map[tileKey]tlog.Hash // of full tiles
}

type tileKey struct {
	level int
	index int64
}

// openShard verifies the head of a shard; nil if that fails.
func openShard(root, name string, keys note.Verifiers, r *report) *shard {
	dir := filepath.Join(root, name)
	path := filepath.Join(dir, "checkpoint")
	data, err := os.ReadFile(path)
	if err != nil {
		r.bad(path, "%v", err)
		return nil
	}
	head, err := openCheckpoint(data, keys)
	if err != nil {
		r.bad(path, "%v", err)
		return nil
	}
	return &shard{dir: dir, name: name, head: head, roots: map[tileKey]tlog.Hash{}}
}

// checkTiles verifies every file of the shard from the entries upwards: each entry against its hash in the tile of level 0,
// each hash of a higher tile against the full tile that it stands for, and the tiles together against the signed root.
func (s *shard) checkTiles(r *report) {
	before := r.wrong
	tiles := tlog.NewTiles(tileHeight, 0, s.head.tree.N)
	for _, tile := range tiles {
		s.checkTile(tile, r)
	}
	s.checkRoot(r)
	if r.wrong == before {
		r.ok("%s: %d entries, %d tiles, root %v of %s signed by %s",
			s.name, s.head.tree.N, len(tiles), s.head.tree.Hash, s.head.origin, strings.Join(s.head.keys, ", "))
	}
}

func (s *shard) checkTile(tile tlog.Tile, r *report) {
	path := filepath.Join(s.dir, tilePath(tile))
	data, err := s.readTile(tile)
	if err != nil {
		r.bad(path, "%v", err)
	}
	expected := s.below(tile, r)
	if err != nil && expected != nil { // go on with what should stand there
		data = join(expected)
	}
	if data == nil {
		return
	}
	for i, hash := range expected {
		if found := hashAt(data, i); found != hash {
			r.bad(path, "hash %d is %v; the hash of %s is %v", i, found, belowName(tile, i), hash)
		}
	}
	if tile.W == tileWidth {
		s.roots[tileKey{tile.L, tile.N}] = tileRoot(tile, data)
	}
}

// below returns the hashes that a tile must hold, from what lies below it; nil if that is missing.
func (s *shard) below(tile tlog.Tile, r *report) []tlog.Hash {
	if tile.L == 0 {
		return s.entryHashes(tile, r)
	}
	var hashes []tlog.Hash
	for i := int64(0); i < int64(tile.W); i++ {
		root, ok := s.roots[tileKey{tile.L - 1, tile.N*tileWidth + i}]
		if !ok {
			return nil // said where it was found missing
		}
		hashes = append(hashes, root)
	}
	return hashes
}

func (s *shard) entryHashes(tile tlog.Tile, r *report) []tlog.Hash {
	tile.L = -1
	path := filepath.Join(s.dir, tilePath(tile))
	data, err := os.ReadFile(path)
	if err != nil {
		r.bad(path, "%v", err)
		return nil
	}
	entries, err := splitEntries(data)
	if err != nil {
		r.bad(path, "%v", err)
		return nil
	}
	if len(entries) != tile.W {
		r.bad(path, "holds %d entries, not %d", len(entries), tile.W)
		return nil
	}
	var hashes []tlog.Hash
	for _, entry := range entries {
		hashes = append(hashes, tlog.RecordHash(entry))
	}
	return hashes
}

// checkRoot verifies that the tiles make the signed root.
func (s *shard) checkRoot(r *report) {
	root, err := tlog.TreeHash(s.head.tree.N, s)
	if err != nil {
		r.bad(s.dir, "the root cannot be computed: %v", err)
		return
	}
	if root != s.head.tree.Hash {
		r.bad(filepath.Join(s.dir, "checkpoint"), "signed is the root %v; the tiles make %v", s.head.tree.Hash, root)
	}
}

// ReadHashes reads from the tiles of the shard: it is a tlog.HashReader.
func (s *shard) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		tile := tlog.TileForIndex(tileHeight, index)
		if full := s.head.tree.N>>uint(tileHeight*tile.L) - tile.N<<tileHeight; full < tileWidth {
			tile.W = int(full)
		} else {
			tile.W = tileWidth
		}
		data, err := s.readTile(tile)
		if err != nil {
			return nil, err
		}
		if hashes[i], err = tlog.HashFromTile(tile, data, index); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

func (s *shard) readTile(tile tlog.Tile) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, tilePath(tile)))
	if err != nil {
		return nil, err
	}
	if len(data) != tile.W*tlog.HashSize {
		return nil, fmt.Errorf("has %d bytes, not %d", len(data), tile.W*tlog.HashSize)
	}
	return data, nil
}
