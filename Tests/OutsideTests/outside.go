// Checks a published log and its proofs with golang.org/x/mod/sumdb, which shares no code with the service.
//
//	go run outside.go FOLDER VKEY OLD_SIZE RECEIPT...
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(what string, err error) {
	fmt.Println(what, err)
	os.Exit(1)
}

func decode(text string) tlog.Hash {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) != tlog.HashSize {
		fail("hash", fmt.Errorf("%q", text))
	}
	var hash tlog.Hash
	copy(hash[:], data)
	return hash
}

// The note's text has three lines: origin, size, root.
func open(text []byte, verifiers note.Verifiers) tlog.Tree {
	opened, err := note.Open(text, verifiers)
	if err != nil {
		fail("note", err)
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || lines[0] != opened.Sigs[0].Name {
		fail("checkpoint", fmt.Errorf("%q", opened.Text))
	}
	return tlog.Tree{N: size, Hash: decode(lines[2])}
}

type folder struct{ path string }

func (f folder) Height() int { return 8 }

// x/mod writes the tile's height into the path; c2sp.org/tlog-tiles does not.
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.path, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f folder) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

func main() {
	verifier, err := note.NewVerifier(os.Args[2])
	if err != nil {
		fail("key", err)
	}
	verifiers := note.VerifierList(verifier)
	text, err := os.ReadFile(filepath.Join(os.Args[1], "checkpoint"))
	if err != nil {
		fail("checkpoint", err)
	}
	tree := open(text, verifiers)
	// Every hash that is read through the reader is checked against the signed root.
	reader := tlog.TileHashReader(tree, folder{os.Args[1]})
	old, err := strconv.ParseInt(os.Args[3], 10, 64)
	if err != nil {
		fail("size", err)
	}
	oldRoot, err := tlog.TreeHash(old, reader)
	if err != nil {
		fail("old root", err)
	}
	proof, err := tlog.ProveTree(tree.N, old, reader)
	if err != nil {
		fail("prove", err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, oldRoot); err != nil {
		fail("consistency", err)
	}
	for _, path := range os.Args[4:] {
		receipt, err := os.ReadFile(path)
		if err != nil {
			fail("receipt", err)
		}
		head, signed, _ := bytes.Cut(receipt, []byte("\n\n"))
		lines := strings.Split(string(head), "\n")
		if lines[0] != "c2sp.org/tlog-proof@v1" {
			fail("receipt", fmt.Errorf("%q", lines[0]))
		}
		entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
		if err != nil {
			fail("extra", err)
		}
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
		if err != nil {
			fail("index", err)
		}
		var hashes tlog.RecordProof
		for _, line := range lines[3:] {
			hashes = append(hashes, decode(line))
		}
		under := open(signed, verifiers)
		if err := tlog.CheckRecord(hashes, under.N, under.Hash, index, tlog.RecordHash(entry)); err != nil {
			fail("record", err)
		}
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil || stored[0] != tlog.RecordHash(entry) {
			fail("tile", err)
		}
	}
	fmt.Println("holds", tree.N, base64.StdEncoding.EncodeToString(oldRoot[:]))
}
