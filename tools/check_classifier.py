#!/usr/bin/env python3
"""`frugal data train-classifier` beside the fastText program (Debian's fasttext 0.9.2) on the same texts, and whether that
program reads our models as we do.

    tools/check_classifier.py build/bin/frugal TEXTS.jsonl.gz [--label lang] [--share 0.2] [--seeds 5] [-- --lr 0.5 ...]

A share of the texts is held out. Prints precision at 1 on it for each seed: the program on one thread, on ten (on one it
gives only a tenth of the vectors a random start, the others 0), ours in the files' order, ours in another order each epoch;
and the largest difference of a probability between its predictions and ours, with our model.
"""
import argparse
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile

OURS = {"--lr": "-lr", "--epoch": "-epoch", "--dim": "-dim", "--word-ngrams": "-wordNgrams", "--bucket": "-bucket", "--min-count": "-minCount"}


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def reference(folder, options, seed, threads):
    theirs = [OURS.get(o, o) for o in options]
    run("fasttext", "supervised", "-input", folder / "train.txt", "-output", folder / "ref", "-thread", threads, "-seed", seed, "-verbose", "0", *theirs)
    return float(run("fasttext", "test", folder / "ref.bin", folder / "valid.txt").split("P@1")[1].split()[0])


def ours(frugal, folder, options, seed, *more):
    found = run(frugal, "data", "train-classifier", folder / "train.jsonl", "--valid", folder / "valid.jsonl", "--out", folder / "ours.bin", "--json",
                "--seed", seed, *options, *more)
    return json.loads(found)["precision"]


def same_predictions(frugal, folder):
    """Labels by the program; the probability of each of these by `classifier` and by the program."""
    theirs = [line.split() for line in run("fasttext", "predict-prob", folder / "ours.bin", folder / "plain.txt").splitlines()]
    worst = wrong = 0
    for label in sorted({t[0] for t in theirs}):
        spec = f'jsonl({folder}/valid.jsonl) | classifier({folder}/ours.bin,"{label[9:]}",0) | jsonl({folder}/scored)'
        run(frugal, "data", spec)
        rows = [json.loads(line) for file in sorted((folder / "scored").glob("*")) for line in file.read_text().splitlines()]
        for row, (their_label, probability) in zip(rows, theirs, strict=True):
            mine = row["values"]["classifier_score"]
            if their_label == label:
                worst = max(worst, abs(mine - float(probability)))
            elif mine > float(probability) + 1e-5:
                wrong += 1
        run("rm", "-rf", folder / "scored", folder / "scored.work")
    return worst, wrong


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("frugal")
    p.add_argument("texts")
    p.add_argument("--label", default="label")
    p.add_argument("--share", type=float, default=0.2)
    p.add_argument("--seeds", type=int, default=5)
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    a = p.parse_args(given[:end])
    a.options = given[end + 1 :]
    rows = [json.loads(line) for line in gzip.open(a.texts, "rt")]
    random.Random(1).shuffle(rows)
    cut = int(len(rows) * (1 - a.share))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for part, some in (("train", rows[:cut]), ("valid", rows[cut:])):
            texts = [(str(r[a.label]), " ".join(r["text"].split())) for r in some]
            (folder / f"{part}.jsonl").write_text("".join(json.dumps({"text": t, "label": lab}) + "\n" for lab, t in texts))
            (folder / f"{part}.txt").write_text("".join(f"__label__{lab} {t}\n" for lab, t in texts))
            (folder / "plain.txt").write_text("".join(t + "\n" for _, t in texts))
        print("seed  fasttext, 1 thread  fasttext, 10  ours, in order  ours")
        for seed in range(a.seeds):
            print(f"{seed:4}  {reference(folder, a.options, seed, 1):18.4f}  {reference(folder, a.options, seed, 10):12.4f}  "
                  f"{ours(a.frugal, folder, a.options, seed, '--no-shuffle'):14.4f}  {ours(a.frugal, folder, a.options, seed):.4f}")
        worst, wrong = same_predictions(a.frugal, folder)
        print(f"our model read by fasttext: largest difference of a probability {worst:.1e}, other labels on {wrong} texts")


if __name__ == "__main__":
    main()
