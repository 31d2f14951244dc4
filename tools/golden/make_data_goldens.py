#!/usr/bin/env python3
"""Goldens of the curation rules: what datatrove 0.10.1 measures and decides on real and on spoilt documents.

    make_data_goldens.py OUT FILE.jsonl.gz...            a few documents of each file, for tests/golden/data/rules.jsonl.gz
    make_data_goldens.py OUT FILE.jsonl.gz... --all      every document, for tools/check_data_rules.py

Of each document a spoilt one is made too, by one of twelve ways of making web text bad, so that every reason comes up. A
line of the output: the text; the words; for each rule set the values behind its decisions in the order of our columns, and
the reason ("" when kept) that datatrove itself gave. Needs datatrove, spacy, nltk and numpy.
"""
import argparse
import gzip
import json
import random

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.filters.c4_filters import CITATION_REGEX, ELLIPSIS, END_PUNCTUATION, POLICY_SUBSTRINGS
from datatrove.pipeline.filters.gopher_quality_filter import STOP_WORDS
from datatrove.pipeline.filters.gopher_repetition_filter import (find_all_duplicate, find_duplicates, find_top_duplicate,
                                                                 get_n_grams)
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION, split_into_sentences, split_into_words


def quality(text):
    words = split_into_words(text)
    real = [w for w in words if any(c not in PUNCTUATION_SET for c in w)]
    lines = text.splitlines()
    n = len(words) or 1
    share = lambda hits: sum(hits) / len(lines) if lines else 0
    return [len(real), float(np.mean([len(w) for w in real])) if real else 0, text.count("#") / n,
            (text.count("...") + text.count("…")) / n,
            share(s.lstrip().startswith("•") or s.lstrip().startswith("-") for s in lines),
            share(s.rstrip().endswith("...") or s.rstrip().endswith("…") for s in lines),
            sum(any(c.isalpha() for c in w) for w in words) / n, len(set(STOP_WORDS) & set(words))]


def repetition(text, f=GopherRepetitionFilter()):
    out = []
    for pieces in (f.paragraph_exp.split(text.strip()), f._line_splitter.split(text)):
        count, chars = find_duplicates(pieces)
        out += [count / len(pieces), chars / len(text)]
    words = split_into_words(text)
    for n, _ in f.top_n_grams:
        grams = get_n_grams(words, n)
        out.append(find_top_duplicate(grams) / len(text) if grams else 0)
    return out + [find_all_duplicate(words, n) / len(text) for n, _ in f.dup_n_grams]


def c4(text, punctuation):
    """Sentences, lines, lines kept; and the text that is left."""
    sentences, kept, lines = 0, [], text.splitlines()
    for line in lines:
        line = line.strip()
        words = line.split()
        if any(len(w) > 1000 for w in words):
            continue
        line = CITATION_REGEX.sub("", line)
        if punctuation and (not line.endswith(END_PUNCTUATION) or line.endswith(ELLIPSIS)) or len(words) < 3:
            continue
        low = line.lower()
        if "javascript" in low or any(p in low for p in POLICY_SUBSTRINGS):
            continue
        sentences += len(split_into_sentences(line))
        kept.append(line)
    return [sentences, len(lines), len(kept)]


def fineweb(text):
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return []
    return [sum(line.endswith(tuple(TERMINAL_PUNCTUATION)) for line in lines) / len(lines),
            sum(len(line) <= 30 for line in lines) / len(lines),
            find_duplicates(lines)[1] / len(text.replace("\n", "")), text.count("\n") / (len(split_into_words(text)) or 1)]


SPOIL = [
    lambda t, r: "\n\n".join(t[:200] for _ in range(8)),
    lambda t, r: "\n".join("- " + s for s in t.split(". ")),
    lambda t, r: t.replace(". ", "... ").replace(" a ", " # "),
    lambda t, r: "\n".join(w[:25] for w in t.split("\n")[0].split()),
    lambda t, r: " ".join(r.sample(t.split(), min(20, len(t.split())))),
    lambda t, r: t.replace(" the ", " ").replace(" and ", " ").replace(" of ", " ").replace(" to ", " ").replace(" be ", " ").replace(" that ", " ").replace(" have ", " ").replace(" with ", " "),
    lambda t, r: t + " " + " ".join(t.split()[:30] * 12),
    lambda t, r: t.replace(" ", ""),
    lambda t, r: "if (x) { return; } " + t + "\nPlease enable JavaScript to see this.\nSee our privacy policy here.",
    lambda t, r: "Lorem ipsum dolor sit amet. " + t,
    lambda t, r: " ".join(str(r.randrange(10**6)) + r.choice(["", ":)", "km", "%", "U.S.", "don't"]) for _ in t.split()),
    lambda t, r: "\n".join(s + r.choice(["", "…", "!", "?\"", " [12]", "\u2028", "\x85"]) for s in t.split(". ")),
]


def row(text, filters):
    decide = lambda name: (lambda v: "" if v is True else v[1])(filters[name].filter(Document(text=text, id="")))
    out = {"text": text, "words": split_into_words(text)}
    for name, values in (("gopher_quality", quality(text)), ("gopher_repetition", repetition(text)), ("c4", c4(text, True)),
                         ("c4_any", c4(text, False)), ("fineweb", fineweb(text))):
        out[name] = {"values": [float(v) for v in values], "reason": decide(name)}
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("files", nargs="+")
    p.add_argument("--all", action="store_true")
    args = p.parse_args()
    filters = {"gopher_quality": GopherQualityFilter(), "gopher_repetition": GopherRepetitionFilter(), "c4": C4QualityFilter(),
               "c4_any": C4QualityFilter(filter_no_terminal_punct=False), "fineweb": FineWebQualityFilter()}
    rng = random.Random(1)
    with gzip.GzipFile(args.out, "w", mtime=0) as out:
        for name in args.files:
            texts = [json.loads(line)["text"] for line in gzip.open(name, "rt")]
            if not args.all:
                texts = [t[:2500] for t in texts[:24]]
            for i, text in enumerate(texts):
                for t in (text, SPOIL[i % len(SPOIL)](text, rng)):
                    if t.strip():
                        out.write((json.dumps(row(t, filters), ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main()
