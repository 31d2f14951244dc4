#!/usr/bin/env python3
"""Speed of byte-level BPE beside the `tokenizers` package, in turns, on one core each.

usage: tokenizer_speed.py --bench build/bin/tokenizer_bench --model MODEL.gguf --reference tokenizer.json[.gz] TEXT...
Prints a Markdown table: medians of 7 rounds of MB of text a second of processor time, each line of TEXT as one call and all
of it as one call. Both must give the same number of ids.
"""
import argparse
import gzip
import pathlib
import re
import statistics
import subprocess
import time

from tokenizers import Tokenizer

ROUNDS = 7


def ours(args, text):
    out = subprocess.run([args.bench, "speed", args.model, text, "2"], check=True, capture_output=True, text=True).stdout
    return [float(x) for x in re.findall(r"[\d.]+(?= MB/s)", out.splitlines()[-1])]  # the first round warms the caches


def theirs(reference, text):
    def rate(work):
        start = time.process_time()
        work()
        return 1e-6 * len(text.encode()) / (time.process_time() - start)

    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    return [rate(lambda: [reference.encode(line) for line in lines]), rate(lambda: reference.encode(text))]


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--bench", required=True)
    args.add_argument("--model", required=True)
    args.add_argument("--reference", required=True)
    args.add_argument("text", nargs="+", type=pathlib.Path)
    args = args.parse_args()
    opened = gzip.open if args.reference.endswith(".gz") else open
    reference = Tokenizer.from_str(opened(args.reference, "rt", encoding="utf-8").read())
    print("| text | MB | frugal, by line | frugal, whole | tokenizers, by line | tokenizers, whole |\n|---|---|---|---|---|---|")
    for path in args.text:
        text = path.read_bytes().decode("utf-8")
        rounds = [ours(args, str(path)) + theirs(reference, text) for _ in range(ROUNDS)]
        medians = [statistics.median(r[i] for r in rounds) for i in range(4)]
        print(f"| {path.stem} | {1e-6 * len(text.encode()):.2f} | " + " | ".join(f"{m:.1f}" for m in medians) + " |")


if __name__ == "__main__":
    main()
