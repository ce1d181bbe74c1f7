// Checks a published log and its proofs with golang.org/x/mod/sumdb, which shares no code with the service.
//
//	go run outside.go log FOLDER VKEY OLD_SIZE RECEIPT...   a journal's log and receipts from it
//	go run outside.go bundle VKEY FILE                      a run's receipts, with the ledger's key, up to the ledger's log
//	go run outside.go vectors FILE                          proofs of JSON, one verdict a line
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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
	hash, err := tlog.ParseHash(text)
	if err != nil {
		fail("hash", fmt.Errorf("%q", text))
	}
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
	switch os.Args[1] {
	case "log":
		checkLog(os.Args[2], os.Args[3], os.Args[4], os.Args[5:])
	case "bundle":
		checkBundle(os.Args[2], os.Args[3])
	case "vectors":
		checkVectors(os.Args[2])
	}
}

func verifierOf(vkey string) note.Verifiers {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		fail("key", err)
	}
	return note.VerifierList(verifier)
}

// The ledger's key under the name of one of its logs.
func renamed(vkey, origin string) note.Verifiers {
	parts := strings.SplitN(vkey, "+", 3)
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || (origin != parts[0] && !strings.HasPrefix(origin, parts[0]+"/journal/")) {
		fail("origin", fmt.Errorf("%q", origin))
	}
	id := sha256.Sum256(append([]byte(origin+"\n"), key...))
	return verifierOf(fmt.Sprintf("%s+%x+%s", origin, id[:4], parts[2]))
}

type receipt struct {
	entry  []byte
	index  int64
	hashes tlog.RecordProof
	signed []byte
}

func readReceipt(text []byte) receipt {
	head, signed, _ := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
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
	return receipt{entry, index, hashes, signed}
}

// The tree that it is in.
func (r receipt) check(verifiers note.Verifiers) tlog.Tree {
	under := open(r.signed, verifiers)
	if err := tlog.CheckRecord(r.hashes, under.N, under.Hash, r.index, tlog.RecordHash(r.entry)); err != nil {
		fail("record", err)
	}
	return under
}

func checkBundle(vkey, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		fail("bundle", err)
	}
	header := []byte("c2sp.org/tlog-proof@v1\n")
	parts := bytes.Split(text, header)
	if len(parts[0]) != 0 {
		fail("bundle", fmt.Errorf("%q", parts[0]))
	}
	below := map[tlog.Tree]bool{}
	events := 0
	for _, part := range parts[1:] {
		proof := readReceipt(append(append([]byte{}, header...), part...))
		origin, _, _ := strings.Cut(string(proof.signed), "\n")
		tree := proof.check(renamed(vkey, origin))
		if origin != strings.SplitN(vkey, "+", 2)[0] {
			below[tree] = true
			events++
			continue
		}
		inner, _, _ := strings.Cut(string(proof.entry), "\n")
		if !below[open(proof.entry, renamed(vkey, inner))] {
			fail("ledger", fmt.Errorf("another checkpoint of %s", inner))
		}
	}
	fmt.Println("holds", events)
}

func checkVectors(path string) {
	var vectors []struct {
		Kind         string
		Index, Size  int64
		Size1, Size2 int64
		Leaf, Root   string
		Root1, Root2 string
		Proof        []string
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &vectors)
	}
	if err != nil {
		fail("vectors", err)
	}
	for _, vector := range vectors {
		var hashes []tlog.Hash
		for _, hash := range vector.Proof {
			hashes = append(hashes, decode(hash))
		}
		if vector.Kind == "inclusion" {
			err = tlog.CheckRecord(hashes, vector.Size, decode(vector.Root), vector.Index, decode(vector.Leaf))
		} else {
			err = tlog.CheckTree(hashes, vector.Size2, decode(vector.Root2), vector.Size1, decode(vector.Root1))
		}
		fmt.Println(err == nil)
	}
}

func checkLog(path, vkey, oldSize string, receipts []string) {
	verifiers := verifierOf(vkey)
	text, err := os.ReadFile(filepath.Join(path, "checkpoint"))
	if err != nil {
		fail("checkpoint", err)
	}
	tree := open(text, verifiers)
	// Every hash that is read through the reader is checked against the signed root.
	reader := tlog.TileHashReader(tree, folder{path})
	old, err := strconv.ParseInt(oldSize, 10, 64)
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
	for _, path := range receipts {
		text, err := os.ReadFile(path)
		if err != nil {
			fail("receipt", err)
		}
		proof := readReceipt(text)
		proof.check(verifiers)
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, proof.index)})
		if err != nil || stored[0] != tlog.RecordHash(proof.entry) {
			fail("tile", err)
		}
	}
	fmt.Println("holds", tree.N, base64.StdEncoding.EncodeToString(oldRoot[:]))
}
