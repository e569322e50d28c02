// Verify checks an evidence log in the C2SP tlog-tiles layout, with golang.org/x/mod/sumdb and nothing of the log's writer.
//
//	verify LOG                            every shard below LOG, with the keys of LOG/log.vkey
//	verify -key FILE LOG                  with keys held elsewhere, which is what an auditor does
//	verify -old CHECKPOINT LOG            also: that older checkpoint is the beginning of its shard
//	verify -proof P -entry E -key FILE    one entry, by a tlog-proof file and the bytes of the entry; needs no log
//
// A line that begins with "ok" says what was verified, one that begins with "WRONG" what was not and where.
// Exit code: 0 all is verified, 1 something is wrong, 2 it could not be asked.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

func main() {
	keyFile := flag.String("key", "", "file of verifier keys, one a line (default LOG/log.vkey)")
	oldFile := flag.String("old", "", "older checkpoint that its shard must begin with")
	proofFile := flag.String("proof", "", "tlog-proof file to check, with -entry and -key")
	entryFile := flag.String("entry", "", "file with the bytes of the entry that -proof is about")
	flag.Usage = usage
	flag.Parse()

	wrong, err := run(flag.Args(), *keyFile, *oldFile, *proofFile, *entryFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(2)
	}
	if wrong > 0 {
		fmt.Printf("%d wrong\n", wrong)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: verify [-key FILE] [-old CHECKPOINT] LOG")
	fmt.Fprintln(os.Stderr, "       verify -proof FILE -entry FILE -key FILE")
	flag.PrintDefaults()
}

// run returns how many things are wrong.
func run(args []string, keyFile, oldFile, proofFile, entryFile string) (int, error) {
	if proofFile != "" {
		return runProof(args, keyFile, proofFile, entryFile)
	}
	if len(args) != 1 || entryFile != "" {
		usage()
		return 0, errors.New("name one directory of a log")
	}
	root := args[0]
	if keyFile == "" {
		keyFile = filepath.Join(root, "log.vkey")
	}
	keys, err := readKeys(keyFile)
	if err != nil {
		return 0, err
	}
	names, err := shardNames(root)
	if err != nil {
		return 0, err
	}
	report := &report{}
	var shards []*shard
	for _, name := range names {
		if s := openShard(root, name, keys, report); s != nil {
			s.checkTiles(report)
			shards = append(shards, s)
		}
	}
	checkChain(shards, keys, report)
	if oldFile != "" {
		if err := checkOld(oldFile, shards, keys, report); err != nil {
			return 0, err
		}
	}
	return report.wrong, nil
}

func runProof(args []string, keyFile, proofFile, entryFile string) (int, error) {
	if len(args) != 0 || keyFile == "" || entryFile == "" {
		usage()
		return 0, errors.New("-proof goes with -entry and -key, and with no directory")
	}
	keys, err := readKeys(keyFile)
	if err != nil {
		return 0, err
	}
	report := &report{}
	if err := checkProofFile(proofFile, entryFile, keys, report); err != nil {
		return 0, err
	}
	return report.wrong, nil
}

// shardNames returns the directories of a log that hold a checkpoint, in the order of time.
func shardNames(root string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, "*", "checkpoint"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no shard, which is a directory with a file checkpoint in it", root)
	}
	var names []string
	for _, path := range found {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	sort.Strings(names)
	return names, nil
}

// report prints what is found and counts what is wrong.
type report struct {
	wrong int
}

func (r *report) ok(format string, args ...interface{}) {
	fmt.Printf("ok    "+format+"\n", args...)
}

func (r *report) bad(where, format string, args ...interface{}) {
	r.wrong++
	fmt.Printf("WRONG %s: %s\n", where, fmt.Sprintf(format, args...))
}
