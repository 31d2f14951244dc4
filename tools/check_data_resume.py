#!/usr/bin/env python3
"""Kills a pipeline at random moments, resumes it until it ends, and compares what it wrote with an undisturbed run.

    tools/check_data_resume.py build/bin/frugal [KILLS]      prints "KILLS kills: identical", or exits 1
"""
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time


def make_input(folder):
    rng = random.Random(7)
    words = [f"word{i}" for i in range(3000)] + ["the", "of", "and", "to", "that", "with"] * 200
    for f in range(12):
        with open(folder / f"{f:02}.jsonl", "w") as out:
            for i in range(1500):
                text = ". ".join(" ".join(rng.choices(words, k=12)).capitalize() for _ in range(8)) + "."
                if i % 5 == 0:
                    text = "Same again, the very same words in every one of these documents. " * (1 + i % 3)
                out.write(json.dumps({"id": f"{f}-{i}", "text": text}) + "\n")


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def main():
    frugal, kills = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "in").mkdir()
        make_input(folder / "in")
        spec = "jsonl({0}/in) | gopher_quality | exact | gopher_repetition(top2=1,top3=1,top4=1) | minhash | jsonl({0}/{1})"
        command = lambda out, *more: [frugal, "data", spec.format(folder, out), "--rejects", f"{folder}/{out}-rejects", "--json", "--workers", "2", *more]
        begin = time.time()
        subprocess.run(command("whole"), check=True, capture_output=True)
        length = time.time() - begin
        want = json.loads(subprocess.run(command("whole", "--resume"), check=True, capture_output=True).stdout)
        done = 0
        round_number = 0
        while done < kills:
            out = f"out{round_number}"
            round_number += 1
            while True:
                process = subprocess.Popen(command(out, "--resume"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                try:
                    stdout, _ = process.communicate(timeout=rng.uniform(0.02, length * 0.6) if done < kills else None)
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    done += 1
            got = json.loads(stdout)
            for a, b in zip(want["stages"], got["stages"]):
                if any(a[k] != b[k] for k in ("docs_in", "docs_out", "reasons")):
                    sys.exit(f"counts differ after kills: {a} and {b}")
            for kind in ("", "-rejects"):
                if content(folder / f"whole{kind}") != content(folder / f"{out}{kind}"):
                    sys.exit(f"{out}{kind} differs")
        print(f"{done} kills in {round_number} runs: identical")


if __name__ == "__main__":
    main()
