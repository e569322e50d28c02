package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkpoint is a verified C2SP tlog-checkpoint.
type checkpoint struct {
	origin string
	tree   tlog.Tree
	text   string   // what was signed
	keys   []string // names and ids of the keys that signed it
}

// readKeys reads a file of verifier keys, one a line.
func readKeys(path string) (note.Verifiers, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var keys []note.Verifier
	for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		key, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("%s line %d: %v", path, i+1, err)
		}
		keys = append(keys, key)
	}
	return note.VerifierList(keys...), nil
}

// openCheckpoint verifies the signature of a note and reads the checkpoint in it.
func openCheckpoint(data []byte, keys note.Verifiers) (*checkpoint, error) {
	n, err := note.Open(data, keys)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] == "" {
		return nil, errors.New("a checkpoint has the lines origin, size and root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return nil, fmt.Errorf("%q is no size", lines[1])
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return nil, err
	}
	c := &checkpoint{origin: lines[0], tree: tlog.Tree{N: size, Hash: root}, text: n.Text}
	for _, sig := range n.Sigs {
		c.keys = append(c.keys, fmt.Sprintf("%s+%08x", sig.Name, sig.Hash))
	}
	return c, nil
}

func parseHash(text string) (hash tlog.Hash, err error) {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(data) != tlog.HashSize {
		return hash, fmt.Errorf("%q is no hash", text)
	}
	copy(hash[:], data)
	return hash, nil
}
