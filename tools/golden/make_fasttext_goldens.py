#!/usr/bin/env python3
"""Small fastText models of every kind and what the original program (Debian's fasttext 0.9.2) predicts with them, in
tests/golden/data/fasttext: models NAME.bin or .ftz, texts.txt, NAME.txt with the label and probability of each text.

    make_fasttext_goldens.py SENTENCES.jsonl.gz         lines {"lang", "text"}: four languages of it are the toy task
"""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "data" / "fasttext"
COMMON = ["-dim", "8", "-epoch", "30", "-lr", "0.5", "-thread", "1", "-seed", "3", "-minCount", "2"]
MODELS = {"hs": ["-loss", "hs", "-minn", "2", "-maxn", "3", "-bucket", "600"],
          "softmax": ["-loss", "softmax", "-wordNgrams", "2", "-bucket", "600"],
          "ova": ["-loss", "ova", "-minn", "3", "-maxn", "3", "-wordNgrams", "3", "-bucket", "300"]}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in gzip.open(sys.argv[1], "rt")]
    rows = [r for r in rows if r["lang"] in ("en", "de", "ru", "ja", "fr")]
    texts = [" ".join(r["text"].split()) for r in rows]
    with tempfile.TemporaryDirectory() as folder:
        train = pathlib.Path(folder) / "train.txt"
        train.write_text("".join(f"__label__{r['lang']} {t}\n" for i, (r, t) in enumerate(zip(rows, texts)) if i % 2 == 0 and i % (3 + len(r["lang"] + r["text"]) % 3)))
        asked = [t[:120] for t in texts[1::6]] + ["", "zzz qqq", "__label__en", "tab\there"]
        (OUT / "texts.txt").write_text("\n".join(asked) + "\n")
        for name, options in MODELS.items():
            subprocess.run(["fasttext", "supervised", "-input", train, "-output", f"{folder}/{name}", *COMMON, *options], check=True, capture_output=True)
        subprocess.run(["fasttext", "quantize", "-input", train, "-output", f"{folder}/hs", "-qnorm", "-cutoff", "400", "-dsub", "3"], check=True, capture_output=True)
        for model in ("hs.bin", "hs.ftz", "softmax.bin", "ova.bin"):
            (OUT / model).write_bytes(pathlib.Path(folder, model).read_bytes())
            got = subprocess.run(["fasttext", "predict-prob", OUT / model, OUT / "texts.txt"], check=True, capture_output=True, text=True).stdout
            (OUT / f"{model}.txt").write_text(got)


if __name__ == "__main__":
    main()
