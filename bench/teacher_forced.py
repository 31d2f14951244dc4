#!/usr/bin/env python3
"""Accepted tokens a step of prompt lookup on reference text: what a model that wrote exactly this text would have gained.

FILE holds a JSON object a line with two texts, the prompt and what is to follow (--prompt-key, --answer-key); HumanEval's
problems and their solutions, for example. Each step drafts from all that stands before it and takes the draft's tokens for
as long as they are the reference's, and one more. Needs no forward pass. Lookup here is src/decode/draft/ngram.cc's.

    bench/teacher_forced.py --frugal build/bin/frugal --model smollm2-135m --file humaneval.jsonl \\
        --prompt-key prompt --answer-key canonical_solution --n 3 --k 8
"""
import argparse
import json
import subprocess


def tokens(arguments, text):
    command = [arguments.frugal, "tokenize", arguments.model, "-f", "-", "--json"]
    return json.loads(subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout)["ids"]


def draft(context, most, k):
    for n in range(min(most, len(context) - 1), 0, -1):
        for behind in range(len(context) - 1, n - 1, -1):
            if context[behind - n:behind] == context[-n:]:
                copy = list(context)
                for i in range(k):
                    copy.append(copy[behind + i])
                return copy[len(context):]
    return []


def steps(prompt, answer, most, k):
    at = count = 0
    while at < len(answer):
        guess, same = draft(prompt + answer[:at], most, k), 0
        while same < len(guess) and at + same < len(answer) and guess[same] == answer[at + same]:
            same += 1
        at += same + 1
        count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("--frugal", "--model", "--file"):
        parser.add_argument(name, required=True)
    parser.add_argument("--prompt-key", default="prompt")
    parser.add_argument("--answer-key", default="answer")
    parser.add_argument("--n", type=int, default=3)
    parser.add_argument("--k", type=int, default=8)
    arguments = parser.parse_args()
    made = passes = texts = 0
    for line in open(arguments.file, encoding="utf-8"):
        row = json.loads(line)
        prompt, answer = (tokens(arguments, row[key]) for key in (arguments.prompt_key, arguments.answer_key))
        made, passes, texts = made + len(answer), passes + steps(prompt, answer, arguments.n, arguments.k), texts + 1
    print(f"ngram(n={arguments.n},k={arguments.k}): {made / passes:.2f} tokens a step over {made} tokens of {texts} texts")


if __name__ == "__main__":
    main()
