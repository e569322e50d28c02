package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkOld verifies that an older checkpoint, kept elsewhere, is the beginning of the shard of its origin.
func checkOld(path string, shards []*shard, keys note.Verifiers, r *report) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old, err := openCheckpoint(data, keys)
	if err != nil {
		r.bad(path, "%v", err)
		return nil
	}
	for _, s := range shards {
		if s.head.origin == old.origin {
			s.checkBeginning(path, old, r)
			return nil
		}
	}
	r.bad(path, "is of %q, and the log has no such shard", old.origin)
	return nil
}

func (s *shard) checkBeginning(path string, old *checkpoint, r *report) {
	if old.tree.N > s.head.tree.N {
		r.bad(path, "signed are %d entries; the log has only %d: it was cut back", old.tree.N, s.head.tree.N)
		return
	}
	if err := s.proveBeginning(old); err != nil {
		r.bad(path, "the log does not begin with the %d entries of this checkpoint: %v", old.tree.N, err)
		return
	}
	r.ok("%s: begins with the %d entries of %s", s.name, old.tree.N, path)
}

func (s *shard) proveBeginning(old *checkpoint) error {
	if old.tree.N == 0 {
		if old.tree.Hash != emptyRoot {
			return fmt.Errorf("an empty tree has the root %v", emptyRoot)
		}
		return nil
	}
	proof, err := tlog.ProveTree(s.head.tree.N, old.tree.N, s)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, s.head.tree.N, s.head.tree.Hash, old.tree.N, old.tree.Hash)
}

// checkChain verifies that each shard begins with the head of the one before it. The first entry of a shard is
// {"type":"shard","previous":NAME,"note":CHECKPOINT}; logs whose first entries are other than that are not chained.
func checkChain(shards []*shard, keys note.Verifiers, r *report) {
	for i, s := range shards {
		link, err := s.readLink()
		if err != nil || link == nil {
			continue // unreadable entries are said elsewhere
		}
		if i == 0 || link.Previous != shards[i-1].name {
			if link.Previous != "" {
				r.ok("%s: follows %s, which is not here", s.name, link.Previous)
			}
			continue
		}
		s.checkLink(link, shards[i-1], keys, r)
	}
}

func (s *shard) checkLink(l *link, previous *shard, keys note.Verifiers, r *report) {
	where := filepath.Join(s.dir, "tile/entries/000")
	head, err := openCheckpoint([]byte(l.Note), keys)
	if err != nil {
		r.bad(where, "entry 0 holds no checkpoint of %s: %v", previous.name, err)
		return
	}
	if head.text != previous.head.text {
		r.bad(where, "entry 0 follows %d entries of %s with the root %v; there are %d with the root %v",
			head.tree.N, previous.name, head.tree.Hash, previous.head.tree.N, previous.head.tree.Hash)
		return
	}
	r.ok("%s: follows %s", s.name, previous.name)
}

// link is the first entry of a shard.
type link struct {
	Type     string `json:"type"`
	Previous string `json:"previous"`
	Note     string `json:"note"`
}

func (s *shard) readLink() (*link, error) {
	if s.head.tree.N == 0 {
		return nil, nil
	}
	first := tlog.NewTiles(tileHeight, 0, s.head.tree.N)[0]
	first.L = -1
	data, err := os.ReadFile(filepath.Join(s.dir, tilePath(first)))
	if err != nil {
		return nil, err
	}
	entries, err := splitEntries(data)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	var found link
	if json.Unmarshal(entries[0], &found) != nil || found.Type != "shard" {
		return nil, nil
	}
	return &found, nil
}
