#!/usr/bin/env python3
"""Goldens of MinHash: datatrove 0.10.1's simplified text and signature (14 x 8, 64 bits) of every sixth document of
tests/golden/data/rules.jsonl.gz and of some short texts, under both of its hashes, in tests/golden/data/minhash.jsonl.gz.

Needs datatrove, spacy, numpy and xxhash.
"""
import gzip
import json
import pathlib
import tempfile

from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import simplify_text

HERE = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "data"
SHORT = ["the quick brown fox jumps over the lazy dog", "Héllo, World 12.5! ΟΔΟΣ İstanbul ﬁne ½ Å e\u0301 ٣٫٤ — a", "too few words",
         "1.5 2,000 3.4.5 ７ x1y2 don't can't U.S. 5km cannot gonna \u2028 Straße ẞ Ǆ ЁЛКА the end of it"]


def main():
    rows = [json.loads(line)["text"] for line in gzip.open(HERE / "rules.jsonl.gz", "rt")][::6]
    signers = {h: MinhashDedupSignature(tempfile.mkdtemp(), config=MinhashConfig(hash_config=HashConfig(precision=64, hash_fc=h)))
               for h in ("xxhash", "sha1")}
    with gzip.GzipFile(HERE / "minhash.jsonl.gz", "w", mtime=0) as out:
        for text in SHORT + rows:
            row = {"text": text, "simple": simplify_text(text)}
            for name, signer in signers.items():
                shingles = signer.get_shingles(text)
                row[name] = [v for band in signer.get_signature(shingles) for v in band] if shingles.size else []
            out.write((json.dumps(row, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main()
