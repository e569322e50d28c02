package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// emptyRoot is the root of a tree without entries (RFC 6962 section 2.1).
var emptyRoot = tlog.Hash(sha256.Sum256(nil))

// tilePath is where C2SP tlog-tiles puts a tile. The Go checksum database, whose paths tlog knows, has the height of tiles in
// the path, and calls the entries "data".
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

// belowName names what the hash number i of a tile stands for.
func belowName(tile tlog.Tile, i int) string {
	n := tile.N*tileWidth + int64(i)
	if tile.L == 0 {
		return fmt.Sprintf("entry %d", n)
	}
	return tilePath(tlog.Tile{H: tileHeight, L: tile.L - 1, N: n, W: tileWidth})
}

// splitEntries reads an entry bundle: each entry behind its length as big-endian uint16.
func splitEntries(data []byte) ([][]byte, error) {
	var entries [][]byte
	for rest := data; len(rest) > 0; {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("entry %d of the file is cut off, at byte %d", len(entries), len(data)-len(rest))
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		entries = append(entries, rest[2:end])
		rest = rest[end:]
	}
	return entries, nil
}

// tileRoot is the hash that stands for a full tile in the tile above it.
func tileRoot(tile tlog.Tile, data []byte) tlog.Hash {
	var halves [2]tlog.Hash
	for i := range halves {
		index := tlog.StoredHashIndex(tile.L*tileHeight+tileHeight-1, tile.N*2+int64(i))
		half, err := tlog.HashFromTile(tile, data, index)
		if err != nil {
			panic(err) // the tile is full
		}
		halves[i] = half
	}
	return tlog.NodeHash(halves[0], halves[1])
}

func hashAt(data []byte, i int) (hash tlog.Hash) {
	copy(hash[:], data[i*tlog.HashSize:])
	return hash
}

func join(hashes []tlog.Hash) []byte {
	var data []byte
	for _, hash := range hashes {
		data = append(data, hash[:]...)
	}
	return data
}
