"""Checks a published log with pymerkle's tree and cryptography's Ed25519, which share no code with the service.

    outside.py FOLDER VKEY RECEIPT
    outside.py vectors FILE           proofs of JSON: for each pymerkle's verdict and scripts/verify-log's
"""

import base64
import importlib.machinery
import importlib.util
import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InmemoryTree
from pymerkle.core import _inclusion_path_layout
from pymerkle.proof import InclusionProof, InvalidProof, verify_inclusion


def verdicts(path):
    """Inclusion alone: pymerkle's proofs of consistency are of another form than RFC 6962's."""
    script = str(pathlib.Path(__file__).parents[2] / "scripts/verify-log")
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("verify_log", script)
    ours = importlib.util.module_from_spec(importlib.util.spec_from_loader("verify_log", loader))
    loader.exec_module(ours)
    for vector in json.loads(pathlib.Path(path).read_text(encoding="utf-8")):
        leaf, root = base64.b64decode(vector["leaf"]), base64.b64decode(vector["root"])
        hashes = [base64.b64decode(hash) for hash in vector["proof"]]
        index, size = vector["index"], vector["size"]
        try:
            rule, _ = _inclusion_path_layout(index + 1, size) if 0 <= index < size else ([], None)
            proof = InclusionProof("sha256", True, size, index + 1, rule, [leaf] + hashes)
            verify_inclusion(leaf, root, proof, index=index + 1, size=size, algorithm="sha256")
            theirs = True
        except (InvalidProof, ValueError):
            theirs = False
        print(json.dumps(theirs), json.dumps(ours.is_included(leaf, index, size, hashes, root)))


if sys.argv[1] == "vectors":
    verdicts(sys.argv[2])
    sys.exit(0)

folder, vkey, receipt = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]).read_text(encoding="utf-8")
key = Ed25519PublicKey.from_public_bytes(base64.b64decode(vkey.split("+", 2)[2])[1:])


def opened(note):
    text, signatures = note.rsplit("\n\n", 1)
    signature = base64.b64decode(signatures.splitlines()[0].split(" ")[2])[4:]
    key.verify(signature, (text + "\n").encode())
    _, size, root = text.split("\n")
    return int(size), base64.b64decode(root)


try:
    size, root = opened((folder / "checkpoint").read_text(encoding="utf-8"))
    tree = InmemoryTree(algorithm="sha256")
    place = 0
    while place < size:
        width = min(256, size - place)
        name = f"{place // 256:03}" + ("" if width == 256 else f".p/{width}")
        data, offset = (folder / "tile/entries" / name).read_bytes(), 0
        while offset < len(data):
            length = int.from_bytes(data[offset : offset + 2], "big")
            tree.append_entry(data[offset + 2 : offset + 2 + length])
            offset += 2 + length
        place += width
    assert tree.get_size() == size, "another number of entries"
    assert tree.get_root() == root, "another root"
    head, note = receipt.split("\n\n", 1)
    lines = head.split("\n")
    entry = base64.b64decode(lines[1].removeprefix("extra "))
    index = int(lines[2].removeprefix("index "))
    hashes = [base64.b64decode(line) for line in lines[3:]]
    under, under_root = opened(note)
    # pymerkle counts from 1, begins its path with the leaf itself, and has its turns from its own tree.
    leaf = tree.hash_buff(entry)
    own = tree.prove_inclusion(index + 1, under)
    ours = InclusionProof("sha256", True, under, index + 1, own.rule, [leaf] + hashes)
    verify_inclusion(leaf, under_root, ours, index=index + 1, size=under, algorithm="sha256")
except (AssertionError, InvalidProof, InvalidSignature, ValueError) as error:
    print("refused", type(error).__name__, error)
    sys.exit(1)
print("holds", size)
