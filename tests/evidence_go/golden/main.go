// Golden writes the keys and notes that tests/exporters/evidence/test_note.py compares with: go run ./golden DIR
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

const text = "example.com/watch/2026-11\n70000\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: golden DIR"))
	}
	one, oneKeys := signer("example.com/watch", 1)
	two, twoKeys := signer("żródło.example/log", 2)
	write("keys.txt", []byte(oneKeys+twoKeys))
	write("checkpoint.txt", sign(text, one))
	write("two_signatures.txt", sign(text+"an extension\n", one, two))
}

func signer(name string, seed byte) (note.Signer, string) {
	skey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), name)
	fail(err)
	s, err := note.NewSigner(skey)
	fail(err)
	return s, skey + "\n" + vkey + "\n"
}

func sign(text string, signers ...note.Signer) []byte {
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	fail(err)
	return signed
}

func write(name string, data []byte) {
	fail(os.WriteFile(filepath.Join(os.Args[1], name), data, 0o644))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		os.Exit(1)
	}
}
