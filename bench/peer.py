#!/usr/bin/env python3
"""frugal beside llama.cpp on this machine: `frugal bench --json` and `llama-bench` in turns, medians and ratios.

A machine drifts (clock, neighbours), so the two run in turns, A B A B ..., each turn measuring every depth; a ratio is
the median over turns of ours / theirs within the turn, where drift cancels. llama.cpp runs without and with flash
attention and its better one counts. A row for each model, kind and depth is appended to a Markdown file.

example: bench/peer.py --frugal build/bin/frugal --llama-bench ~/llama.cpp/build/bin/llama-bench \\
             --depth 0,4096 --turns 5 --out bench/results/cpu.md models/*.gguf
         bench/peer.py ... --kv q8 --cache-type q8_0 models/SmolLM2-135M-Instruct.Q4_1.gguf
"""
import argparse
import collections
import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys

COLUMNS = ("model", "test", "depth", "frugal tok/s", "llama.cpp tok/s", "-fa", "ratio", "% of peak")


def run_json(command):
    """Runs a command that prints one JSON document; ends the program with its last words when it fails."""
    print("+", shlex.join(command), file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def frugal_turn(o, model):
    """{(kind, depth): row} of one run of ours."""
    command = [o.frugal, "bench", model, "--json", "-t", str(o.threads), "--prompt", str(o.prompt), "--new", str(o.new),
               "--depth", o.depth, "--batch", "1", "--repeats", str(o.repeats)]
    rows = run_json(command + (["--kv", o.kv] if o.kv else []))
    return {(row["kind"], row["depth"]): row for row in rows}


def llama_turn(o, model, flash):
    """{(kind, depth): tokens a second} of one run of llama-bench."""
    rows = run_json([o.llama_bench, "-m", model, "-o", "json", "-t", str(o.threads), "-p", str(o.prompt), "-n",
                     str(o.new), "-d", o.depth, "-r", str(o.repeats), "-fa", flash, "-ctk", o.cache_type, "-ctv",
                     o.cache_type])
    return {("prompt" if row["n_prompt"] else "decode", row["n_depth"]): row["avg_ts"] for row in rows}


def measure(o, model):
    """(ours, theirs): {(kind, depth): [row a turn]} and {flash: {(kind, depth): [tok/s a turn]}}."""
    ours, theirs = collections.defaultdict(list), {flash: collections.defaultdict(list) for flash in o.flash}
    for turn in range(o.turns):
        print(f"{os.path.basename(model)}: turn {turn + 1} of {o.turns}", file=sys.stderr)
        for key, row in frugal_turn(o, model).items():
            ours[key].append(row)
        for flash in o.flash:
            for key, speed in llama_turn(o, model, flash).items():
                theirs[flash][key].append(speed)
    return ours, theirs


def spread(values):
    return f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"


def table_rows(o, model):
    ours, theirs = measure(o, model)
    name = os.path.basename(model) + (f", `{o.kv}` / {o.cache_type}" if o.kv else "")
    for kind, depth in sorted(ours, key=lambda key: (key[0] != "prompt", key[1])):
        rows = ours[kind, depth]
        speeds = [row["tok_s"] for row in rows]
        flash = max(o.flash, key=lambda f: statistics.median(theirs[f][kind, depth]))
        peer = theirs[flash][kind, depth]
        ratio = statistics.median(a / b for a, b in zip(speeds, peer))
        peak = [row.get("flop_percent" if kind == "prompt" else "bw_percent") for row in rows]
        peak = f"{statistics.median(peak):.0f}" if None not in peak else ""
        test = f"prompt {o.prompt}" if kind == "prompt" else f"decode {o.new}"
        yield (name, test, str(depth), spread(speeds), spread(peer), flash, f"{ratio:.2f}", peak)


def processor():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())


def append(path, o, rows):
    """Writes rows as they come, the table's head before the first."""
    head = (f"\n{datetime.date.today()}, {processor()}, {o.threads} threads, {o.turns} turns of {o.repeats}; speeds are "
            "medians (lowest to highest turn), the ratio is the median over turns.\n\n"
            f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n")
    for row in rows:
        with open(path, "a") as f:
            f.write(f"{head}| {' | '.join(row)} |\n")
        head = ""
        print("\t".join(row))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="GGUF files")
    parser.add_argument("--frugal", required=True, help="our binary")
    parser.add_argument("--llama-bench", required=True, help="llama.cpp's llama-bench")
    parser.add_argument("--out", required=True, help="Markdown file that the rows are appended to")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--new", type=int, default=128)
    parser.add_argument("--depth", default="0", help="comma-separated")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1, help="runs within a turn, for both")
    parser.add_argument("-t", "--threads", type=int, default=os.cpu_count())
    parser.add_argument("--kv", help="our cache spec")
    parser.add_argument("--cache-type", default="f16", help="llama.cpp's -ctk and -ctv")
    parser.add_argument("--flash", type=lambda text: text.split(","), default=["off", "on"],
                        help="llama.cpp's -fa values to try (a quantised cache wants on alone)")
    return parser.parse_args()


def main():
    o = parse()
    append(o.out, o, (row for model in o.models for row in table_rows(o, model)))


if __name__ == "__main__":
    main()
