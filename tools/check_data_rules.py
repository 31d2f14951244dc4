#!/usr/bin/env python3
"""How far the rule sets agree with datatrove 0.10.1 on whole files: values within 1e-6, verdicts, each reason.

    tools/check_data_rules.py build/bin/frugal pages.jsonl.gz --pages FILE.warc.gz...    the pages of web archives, and their HTML
    tools/golden/make_data_goldens.py all.jsonl.gz pages.jsonl.gz FILE.jsonl.gz... --all      (needs datatrove)
    tools/check_data_rules.py build/bin/frugal all.jsonl.gz [words]            words: spacy (default) or plain

Every document goes through each rule set by itself. Prints a line a rule set, and the documents that differ.
"""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

SETS = {"gopher_quality": "gopher_quality(words={})", "gopher_repetition": "gopher_repetition(words={})", "c4": "c4(words={})",
        "c4_any": "c4(punctuation=false,words={})", "fineweb": "fineweb(words={})"}


def results(frugal, spec, goldens):
    """id -> (values, reason), from the kept and the rejected together."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "in.jsonl")
        source.write_text("".join(json.dumps({"id": str(i), "text": g["text"]}) + "\n" for i, g in enumerate(goldens)))
        subprocess.run([frugal, "data", f"jsonl({source}) | {spec} | jsonl({folder}/out)", "--rejects", f"{folder}/rejects"], check=True,
                       capture_output=True)
        found = {}
        for file in [*pathlib.Path(folder, "out").glob("*"), *pathlib.Path(folder, "rejects").glob("*")]:
            for line in file.read_text().split("\n")[:-1]:
                row = json.loads(line)
                found[int(row["id"])] = (list(row.get("values", {}).values()), row.get("reason", ""))
        return found


def write_pages(frugal, out, archives):
    """Every page twice: its main text, and its HTML as it stands, which breaks most rules."""
    with gzip.open(out, "wt") as packed, tempfile.TemporaryDirectory() as folder:
        for i, archive in enumerate(archives):
            for stages in ("extract | ", ""):
                target = pathlib.Path(folder, f"{i}-{len(stages)}.jsonl")
                subprocess.run([frugal, "data", f'warc("{archive}") | {stages}jsonl({target})'], check=True, capture_output=True)
                packed.write(target.read_text() if target.exists() else "")


def main():
    frugal, path = sys.argv[1:3]
    if sys.argv[3:4] == ["--pages"]:
        return write_pages(frugal, path, sys.argv[4:])
    words = sys.argv[3] if len(sys.argv) > 3 else "spacy"
    goldens = [json.loads(line) for line in gzip.open(path, "rt")]
    for name, spec in SETS.items():
        found = results(frugal, spec.format(words), goldens)
        same_values = same_verdict = same_reason = dropped = 0
        worst = 0.0
        for i, golden in enumerate(goldens):
            values, reason = found[i]
            want = golden[name]
            gap = max((abs(a - b) for a, b in zip(values, want["values"])), default=0)
            worst = max(worst, gap)
            same_values += len(values) == len(want["values"]) and gap <= 1e-6
            same_verdict += (reason == "") == (want["reason"] == "")
            same_reason += reason == want["reason"]
            dropped += want["reason"] != ""
            if words == "spacy" and reason != want["reason"]:
                print(f"  {name}: document {i}: {reason or 'kept'}, datatrove {want['reason'] or 'kept'}: {golden['text'][:70]!r}")
        n = len(goldens)
        print(f"{name:18} {n} documents, {dropped / n:.0%} dropped; values equal {same_values / n:.2%} (worst gap {worst:.1e}), verdicts {same_verdict / n:.2%}, "
              f"reasons {same_reason / n:.2%}")


if __name__ == "__main__":
    main()
