#!/usr/bin/env python3
"""Goldens of byte-level BPE and its pre-tokenizers, made with the `tokenizers` package.

usage: make_byte_bpe_goldens.py --sentences sentences.jsonl.gz --smollm2 tokenizer.json.gz --gpt2-merges vocab.bpe.gz --out tests/golden/tokenizer

Writes, one line a text: texts.jsonl (JSON strings), pieces_NAME.jsonl (bytes of every piece that pre-tokenizer NAME makes),
smollm2_ids.jsonl, and gpt2_ids.jsonl for GPT-2's first 3,000 merges alone (gpt2_merges.txt), a vocabulary small enough to keep.
"""
import argparse
import gzip
import json
import pathlib
import random

from tokenizers import Regex, Tokenizer, models
from tokenizers import pre_tokenizers as pre

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CASED = (  # DeepSeek LLM's letters, code points that normalisation would change written as escapes
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d"
    "\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5"
    "\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d"
    "\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb"
    "\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134"
    "\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b"
    "\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a"
    "\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2"
    "\U000118a0-\U000118df\U0001e900-\U0001e943")
SCRIPTS = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
V3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
      r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def split(pattern):
    return pre.Split(Regex(pattern), "isolated")


CHAINS = {
    "gpt-2": [split(GPT2)],
    "smollm": [pre.Digits(True), split(GPT2)],
    "llama-bpe": [split(LLAMA3)],
    "qwen2": [split(LLAMA3.replace("{1,3}", ""))],
    "falcon": [pre.Punctuation("contiguous"), pre.ByteLevel(add_prefix_space=False), pre.Digits(False), split("[0-9][0-9][0-9]")],
    "default": [split(r"[\p{P}\$\+<=>\^~\|]+"), split(GPT2), split(r"\p{N}+"), split("[0-9][0-9][0-9]")],
    "deepseek-llm": [split("[\r\n]"), split(rf"\s?[{CASED}]+"), split("\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+"),
                     split(r"\s+$"), split(SCRIPTS), pre.Digits(True)],
    "deepseek-coder": [split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(SCRIPTS), pre.Digits(True)],
    "deepseek-v3": [split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"), split(V3)],
}
PARTS = [" ", "  ", "\t", "\n", "\r", "\r\n", "\u00a0", "\u3000", "\u2003", "\u0085", "\u2028", "\u180e", "\u200b", "a", "word", "\u00e9",
         "e\u0301", "'s", "'S", "'LL", "'re", "'ve", "'\u017f", "'", "`", "$", "+=<>^~|", "1", "12", "1234", "\u0663", "\u00b2", "\u00bd",
         "\u2167", "\u4e16\u754c", "\u65e5\u672c\u8a9e", "\u0e44\u0e17\u0e22", "\u0939\u093f\u0928\u094d\u0926\u0940", "\U0001f999",
         "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "!", "...", "\u3002", "\uff01", "\u2014", "\u201c", "_", "\u0000"]
CODE = ["def f(x):\n    return [x + 1 for _ in range(10)]\n\n\nprint(f(3))\n", "int main() {\n\tint a[10] = {0};\n\treturn a[3] == 0x1F ? 1 : 0;\n}\n",
        "<p class=\"x\">It's 12,345.67 &amp; they'LL win</p>\r\n\r\n", "SELECT * FROM t WHERE id>=100 AND name LIKE '%o''re%';   \n", " " * 40 + "x" + "\t" * 9]


def byte_count(piece, name):
    return len(piece) if name == "falcon" else len(piece.encode())  # Falcon's pieces are in the byte alphabet already


def texts(path):
    seen, out = set(), []
    for line in gzip.open(path, "rt", encoding="utf-8"):
        row = json.loads(line)
        if row["lang"] not in seen:
            seen.add(row["lang"])
            out.append(row["text"])
    pick = random.Random(1)
    mixed = ["".join(pick.choice(PARTS) for _ in range(pick.randint(2, 14))) for _ in range(150)]
    return out + CODE + mixed


def write(path, rows):
    path.write_text("".join(json.dumps(r, separators=(",", ":")) + "\n" for r in rows), encoding="utf-8")


def main():
    args = argparse.ArgumentParser()
    for name in ("sentences", "smollm2", "gpt2-merges", "out"):
        args.add_argument(f"--{name}", required=True, type=pathlib.Path)
    args = args.parse_args()
    rows = texts(args.sentences)
    write(args.out / "texts.jsonl", rows)
    for name, chain in CHAINS.items():
        cut = pre.Sequence(chain)
        write(args.out / f"pieces_{name}.jsonl", [[byte_count(p, name) for p, _ in cut.pre_tokenize_str(t)] for t in rows])
    smollm2 = Tokenizer.from_str(gzip.open(args.smollm2, "rt", encoding="utf-8").read())
    write(args.out / "smollm2_ids.jsonl", [smollm2.encode(t, add_special_tokens=False).ids for t in rows])
    merges = gzip.open(args.gpt2_merges, "rt", encoding="utf-8").read().split("\n")[1:3001]
    (args.out / "gpt2_merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
    pieces = sorted(pre.ByteLevel.alphabet()) + [m.replace(" ", "") for m in merges]
    small = Tokenizer(models.BPE({p: i for i, p in enumerate(pieces)}, [tuple(m.split(" ")) for m in merges]))
    small.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
    write(args.out / "gpt2_ids.jsonl", [small.encode(t).ids for t in rows])


if __name__ == "__main__":
    main()
