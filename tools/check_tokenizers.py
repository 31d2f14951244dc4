#!/usr/bin/env python3
"""Compares our tokenizers with the reference packages, id by id and piece by piece, over many texts.

usage: check_tokenizers.py --bench build/bin/tokenizer_bench --sentences sentences.jsonl[.gz]
         [--ids OURS=REFERENCE ...]   OURS: a GGUF, tokenizer.json or .model; REFERENCE: tokenizer.json[.gz] (tokenizers) or
                                      .model (sentencepiece)
         [--expected OURS=JSONL ...]  JSONL[.gz]: {"text", "ids"} a line
         [--ggml FOLDER]              llama.cpp's ggml-vocab-*.gguf with their .inp and .out

The pre-tokenizers are always compared. Texts: the sentences, the standard library's sources, mixed odd white space, digits,
marks and emoji, and random code points. Exit status 1 when anything differs.
"""
import argparse
import gzip
import json
import pathlib
import random
import subprocess
import sys
import unicodedata

from tokenizers import Tokenizer
from tokenizers import pre_tokenizers as pre

sys.path.insert(0, str(pathlib.Path(__file__).parent / "golden"))
from make_byte_bpe_goldens import CHAINS, CODE, PARTS  # noqa: E402

BY_PCRE2 = {"deepseek-v3"}  # knows the characters of Unicode 14, as Python 3.11 does; the reference those of 16
MARKED = ["<|im_start|>user\nHi<|im_end|>\n", " <s> x </s>", " " * 3000, "a" * 3000, "\n" * 500, "ab" * 2000, "1" * 600]


def read(path):
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as f:
        return f.read()


def rows(path):
    return [json.loads(line) for line in read(path).split("\n") if line]


def random_characters(pick):
    text = ""
    while len(text) < 12:
        code = pick.randrange(pick.choice((0x80, 0x3000, 0x10000, 0x20000)))
        text += " " if pick.random() < 0.2 or 0xD800 <= code < 0xE000 else chr(code)
    return text


def make_texts(sentences):
    pick = random.Random(1)
    sources = sorted(pathlib.Path(json.__file__).parents[1].glob("*.py"))[:40]
    out = [r["text"] for r in rows(sentences)] + CODE + MARKED
    out += [p.read_text(encoding="utf-8", errors="ignore")[:20000] for p in sources]
    out += ["".join(pick.choice(PARTS) for _ in range(pick.randint(1, 14))) for _ in range(5000)]
    return out + [random_characters(pick) for _ in range(2000)]


def old_characters(text):
    return all(unicodedata.category(c) != "Cn" for c in text)


class Checker:
    def __init__(self, bench):
        self.bench, self.failed = bench, False

    def ask(self, mode, arguments, texts):
        lines = "".join(json.dumps(t) + "\n" for t in texts)
        out = subprocess.run([self.bench, mode, *arguments], input=lines, capture_output=True, text=True)
        if out.returncode != 0:
            sys.exit(f"{mode} {arguments}: {out.stderr}")
        return [json.loads(line) for line in out.stdout.split("\n") if line]

    def compare(self, name, texts, ours, expected):
        wrong = [i for i in range(len(texts)) if ours[i] != expected[i]]
        self.failed = self.failed or bool(wrong) or len(ours) != len(texts)
        print(f"{name}: {len(texts) - len(wrong)} of {len(texts)} texts equal")
        for i in wrong[:3]:
            print(f"  {ascii(texts[i][:60])}\n    ours {ours[i][:12]}\n    reference {expected[i][:12]}")

    def pieces(self, texts):
        for name, chain in CHAINS.items():
            if name == "falcon":
                continue  # cuts inside characters, which JSON cannot show: compared by ids
            cut = pre.Sequence(chain)
            some = [t for t in texts if old_characters(t)] if name in BY_PCRE2 else texts
            self.compare(f"pieces of {name}", some, self.ask("pieces", [name], some), [[p for p, _ in cut.pre_tokenize_str(t)] for t in some])

    def ids(self, ours, reference, texts):
        if reference.endswith(".model"):
            import sentencepiece
            encode = sentencepiece.SentencePieceProcessor(model_file=reference).encode
        else:
            tokenizer = Tokenizer.from_str(read(reference))
            encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids  # noqa: E731
        if reference.endswith(".model"):  # which reads control tokens in text as text
            texts = [t for t in texts if "<" not in t]
        self.compare(f"ids of {ours}", texts, self.ask("ids", [ours], texts), [encode(t) for t in texts])

    def ggml(self, folder):
        texts = read(folder / "ggml-vocab.inp").split("\n__ggml_vocab_test__\n")
        for file in sorted(folder.glob("ggml-vocab-*.gguf")):
            expected = [[int(x) for x in line.split()] for line in read(f"{file}.out").split("\n")]
            self.compare(f"ids of {file.name}", texts, self.ask("ids", [str(file)], texts), expected)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--bench", required=True)
    args.add_argument("--sentences", required=True)
    args.add_argument("--ids", nargs="*", default=[])
    args.add_argument("--expected", nargs="*", default=[])
    args.add_argument("--ggml", type=pathlib.Path)
    args = args.parse_args()
    check, texts = Checker(args.bench), make_texts(args.sentences)
    check.pieces(texts)
    for pair in args.ids:
        check.ids(*pair.split("=", 1), texts)
    for pair in args.expected:
        ours, path = pair.split("=", 1)
        known = rows(path)
        check.compare(f"ids of {ours}", [r["text"] for r in known], check.ask("ids", [ours], [r["text"] for r in known]), [r["ids"] for r in known])
    if args.ggml:
        check.ggml(args.ggml)
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
