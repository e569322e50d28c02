package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkProofFile verifies a C2SP tlog-proof file: that the bytes in entryFile are an entry of the log.
func checkProofFile(path, entryFile string, keys note.Verifiers, r *report) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return err
	}
	head, index, err := checkProof(data, entry, keys)
	if err != nil {
		r.bad(path, "%v", err)
		return nil
	}
	r.ok("%s is entry %d of %s, root %v of %d entries signed by %s",
		entryFile, index, head.origin, head.tree.Hash, head.tree.N, strings.Join(head.keys, ", "))
	return nil
}

func checkProof(data, entry []byte, keys note.Verifiers) (*checkpoint, int64, error) {
	split := bytes.Index(data, []byte("\n\n"))
	if split < 0 {
		return nil, 0, errors.New("no blank line with a checkpoint behind it")
	}
	index, proof, err := parseProof(string(data[:split]))
	if err != nil {
		return nil, 0, err
	}
	head, err := openCheckpoint(data[split+2:], keys)
	if err != nil {
		return nil, 0, err
	}
	if index >= head.tree.N {
		return nil, 0, fmt.Errorf("there is no entry %d in a tree of %d entries", index, head.tree.N)
	}
	return head, index, tlog.CheckRecord(proof, head.tree.N, head.tree.Hash, index, tlog.RecordHash(entry))
}

// parseProof reads the lines before the checkpoint.
func parseProof(head string) (int64, tlog.RecordProof, error) {
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, nil, fmt.Errorf("no tlog-proof of version 1: it begins with %q", lines[0])
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return 0, nil, errors.New("no line that reads: index NUMBER")
	}
	digits := strings.TrimPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || index < 0 || strconv.FormatInt(index, 10) != digits {
		return 0, nil, fmt.Errorf("%q is no index", digits)
	}
	proof := tlog.RecordProof{}
	for _, line := range lines[1:] {
		hash, err := parseHash(line)
		if err != nil {
			return 0, nil, err
		}
		proof = append(proof, hash)
	}
	return index, proof, nil
}
