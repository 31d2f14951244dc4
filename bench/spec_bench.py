#!/usr/bin/env python3
"""Accepted tokens a step by category of prompt, for drafters side by side.

PROMPTS holds a JSON object a line: {"category": ..., "turns": [text, ...]} (Spec-Bench's own form); the first turns are
answered greedily with the chat template and stop at end tokens. A small model often falls into a loop, which any drafter
that copies guesses right: so the second figure leaves out answers in which more than 20 % of the 8-grams occurred before.
Tokens a step are tokens over target passes, the pass that the prompt's last token is part of included. They depend on the
model and the text only, not on the machine's speed or load; ms/token does.

    bench/spec_bench.py --frugal build/bin/frugal --model smollm2-135m --prompts question.jsonl \\
        --draft "ngram(n=3,k=8)" --draft "self(kv=streaming(4,60),k=4)" --per-category 8
"""
import argparse
import collections
import json
import subprocess
import tempfile


def repeated(ids, n=8):
    grams = [tuple(ids[i:i + n]) for i in range(len(ids) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def prompts(path, most):
    count, rows = collections.Counter(), []
    for line in open(path, encoding="utf-8"):
        row = json.loads(line)
        count[row["category"]] += 1
        if count[row["category"]] <= most:
            rows.append(row)
    return rows


def answers(arguments, rows, draft):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for row in rows:
            file.write(json.dumps({"turns": row["turns"][:1]}) + "\n")
        file.flush()
        command = [arguments.frugal, "run", arguments.model, "--prompts", file.name, "-n", str(arguments.new), "--json"]
        done = subprocess.run(command + (["--draft", draft] if draft else []), check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def ratio(found):
    tokens, steps = sum(a["new_tokens"] for a in found), sum(a["new_tokens"] / a["accepted_per_step"] for a in found)
    return tokens / steps if steps else float("nan")


def milliseconds(found):
    tokens = sum(a["new_tokens"] - 1 for a in found if a["new_tokens"] > 1)
    return 1e3 * sum((a["new_tokens"] - 1) / a["decode_tok_s"] for a in found if a["new_tokens"] > 1) / max(1, tokens)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frugal", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompts", required=True)
    parser.add_argument("--draft", action="append", default=[])
    parser.add_argument("--new", type=int, default=128)
    parser.add_argument("--per-category", type=int, default=1 << 30)
    parser.add_argument("--plain", action="store_true", help="the run without a drafter too")
    arguments = parser.parse_args()
    rows = prompts(arguments.prompts, arguments.per_category)
    print("| drafter | category | answers | tokens a step | ... not repeating | of them | ms a token |\n|---|---|---|---|---|---|---|")
    for draft in ([""] if arguments.plain else []) + arguments.draft:
        found = answers(arguments, rows, draft)
        by = collections.defaultdict(list)
        for row, answer in zip(rows, found):
            by[row["category"]].append(answer)
            by["all"].append(answer)
        for category, group in by.items():
            fresh = [a for a in group if repeated(a["ids"]) <= 0.2]
            print(f"| {draft or 'none'} | {category} | {len(group)} | {ratio(group):.2f} | {ratio(fresh):.2f} | {len(fresh)} | {milliseconds(group):.1f} |", flush=True)


if __name__ == "__main__":
    main()
