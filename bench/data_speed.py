#!/usr/bin/env python3
"""Speed of the data pipeline on one core: makes a corpus, runs chains in turns with peers, prints MB/s of input.

    data_speed.py corpus OUT.jsonl MEGABYTES FILE...    documents of about 2.4 kB from .jsonl(.gz|.zst) and .txt(.gz) files
    data_speed.py run CORPUS.jsonl [--frugal BIN] [--workers N] [--repeats N] [--only NAME]
    data_speed.py peers CORPUS.jsonl [--datatrove SMALL.jsonl] [--lid MODEL] [--pages FOLDER]
                                                        what this Python has of rensa, fastText, trafilatura, resiliparse and
                                                        datatrove 0.10.1 (needs orjson spacy nltk xxhash), one thread each

Throughput is that of the whole pipeline: reading, the stages, writing what is kept. On a machine that others use too, the
figure of a CPU second says more than that of the clock.
"""
import argparse
import gzip
import importlib.util
import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

CHAINS = {
    "read": "",
    "gopher_quality": "gopher_quality",
    "gopher_repetition": "gopher_repetition",
    "c4": "c4(punctuation=false)",
    "fineweb": "fineweb",
    "four rule sets": "gopher_quality | gopher_repetition | c4(punctuation=false) | fineweb",
    "four rule sets, words=spacy": "gopher_quality(words=spacy) | gopher_repetition(words=spacy) | c4(punctuation=false,words=spacy) | fineweb(words=spacy)",
    "lang": "lang(en,0)",
    "minhash": "minhash",
    "minhash xxh64, words=spacy": "minhash(hash=xxh64,words=spacy)",
    "rules, lang, minhash": "gopher_quality | gopher_repetition | c4(punctuation=false) | fineweb | lang(en,0.65) | minhash",
}


def texts_of(path):
    name = str(path)
    if name.endswith(".zst"):
        raw = subprocess.run(["zstd", "-dc", name], check=True, capture_output=True).stdout.decode()
    else:
        raw = (gzip.open(name) if name.endswith(".gz") else open(name, "rb")).read().decode(errors="replace")
    if ".jsonl" in name:
        return [json.loads(line)["text"] for line in raw.splitlines()]
    return [raw]


def pieces(text, size=2400):
    """The text cut at blank lines, or lines, into pieces of about `size`."""
    piece = ""
    for block in text.replace("\r\n", "\n").split("\n\n"):
        piece += ("\n\n" if piece else "") + block
        if len(piece) >= size:
            yield piece
            piece = ""
    if piece.strip():
        yield piece


def corpus(out, megabytes, files):
    documents = [p for f in files for t in texts_of(f) for p in ([t] if ".jsonl" in f and len(t) < 8000 else pieces(t))]
    size = 0
    with open(out, "w") as file:
        while size < megabytes * 1e6:
            for i, text in enumerate(documents):
                line = json.dumps({"text": text, "url": f"http://example.org/{size}/{i}"}, ensure_ascii=False) + "\n"
                size += len(line.encode())
                file.write(line)
                if size >= megabytes * 1e6:
                    break
    print(f"{out}: {size / 1e6:.1f} MB, {len(documents)} different documents")


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(args):
    megabytes = pathlib.Path(args.corpus).stat().st_size / 1e6
    for name, chain in CHAINS.items():
        if args.only and name != args.only:
            continue
        seconds, cpu, busy = [], [], {}
        for _ in range(args.repeats):
            folder = tempfile.mkdtemp(dir=args.scratch)
            spec = " | ".join(filter(None, [f"jsonl({args.corpus})", chain, f"jsonl({folder}/out)"]))
            begin, before = time.time(), cpu_seconds()
            done = subprocess.run([args.frugal, "data", spec, "--workers", str(args.workers), "--json"], check=True, capture_output=True)
            seconds.append(time.time() - begin)
            cpu.append(cpu_seconds() - before)
            busy = {s["stage"].split("(")[0]: round(s["mb_s"]) for s in json.loads(done.stdout)["stages"]}
            shutil.rmtree(folder)
        print(f"{name:30} {megabytes / statistics.median(seconds):8.1f} MB/s  {megabytes / statistics.median(cpu):8.1f} MB a CPU second   "
              f"by stage, of its own input: {busy}", flush=True)


def timed(name, megabytes, work):
    """One line: MB/s of three runs' medians."""
    clock, cpu = [], []
    for _ in range(3):
        begin, before = time.time(), time.process_time()
        work()
        clock.append(time.time() - begin)
        cpu.append(time.process_time() - before)
    print(f"{name:40} {megabytes / statistics.median(clock):8.2f} MB/s  {megabytes / statistics.median(cpu):8.2f} MB a CPU second", flush=True)


def datatrove(path):
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.readers import JsonlReader
    source, folder = pathlib.Path(path).resolve(), tempfile.mkdtemp()
    steps = {"read": [], "gopher_quality": [GopherQualityFilter()], "gopher_repetition": [GopherRepetitionFilter()],
             "c4": [C4QualityFilter(filter_no_terminal_punct=False)], "fineweb": [FineWebQualityFilter()],
             "minhash signatures": [MinhashDedupSignature(folder + "/signatures")]}

    def execute(filters):
        shutil.rmtree(folder + "/log", ignore_errors=True)
        LocalPipelineExecutor(pipeline=[JsonlReader(str(source.parent), glob_pattern=source.name)] + filters, tasks=1, workers=1,
                              logging_dir=folder + "/log").run()

    for name, filters in steps.items():
        timed("datatrove " + name, source.stat().st_size / 1e6, lambda: execute(filters))


def peers(args):
    texts = [json.loads(line)["text"] for line in open(args.corpus)]
    megabytes = sum(len(t.encode()) for t in texts) / 1e6
    if importlib.util.find_spec("rensa"):
        from rensa import RMinHash

        def signatures(shingles):
            for s in shingles:
                m = RMinHash(num_perm=112, seed=1)
                m.update(s)
                m.digest()

        def fives(t):
            w = t.split()
            return [" ".join(w[i:i + 5]) for i in range(len(w) - 4)]

        timed("rensa, 112 permutations, from text", megabytes, lambda: signatures(map(fives, texts)))
        ready = [fives(t) for t in texts[:len(texts) // 4]]
        timed("rensa, on ready shingles", sum(len(t.encode()) for t in texts[:len(ready)]) / 1e6, lambda: signatures(ready))
    if args.lid and importlib.util.find_spec("fasttext"):
        import fasttext
        model = fasttext.load_model(args.lid)
        lines = [t.replace("\n", " ") for t in texts]
        timed("fastText, " + pathlib.Path(args.lid).name, megabytes, lambda: [model.predict(t) for t in lines])
    if args.pages:
        pages = [gzip.open(f).read().decode("utf8", "replace") for f in sorted(pathlib.Path(args.pages).glob("html/*.gz"))]
        size = sum(len(p.encode()) for p in pages) / 1e6
        if importlib.util.find_spec("resiliparse"):
            from resiliparse.extract.html2text import extract_plain_text
            timed("resiliparse, main content", size, lambda: [extract_plain_text(p, main_content=True) for p in pages])
        if importlib.util.find_spec("trafilatura"):
            import trafilatura
            timed("trafilatura", size, lambda: [trafilatura.extract(p) for p in pages])
    if args.datatrove:
        datatrove(args.datatrove)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="what", required=True)
    c = sub.add_parser("corpus")
    c.add_argument("out")
    c.add_argument("megabytes", type=float)
    c.add_argument("files", nargs="+")
    r = sub.add_parser("run")
    r.add_argument("corpus")
    r.add_argument("--frugal", default="build/bin/frugal")
    r.add_argument("--workers", type=int, default=1)
    r.add_argument("--repeats", type=int, default=3)
    r.add_argument("--only")
    r.add_argument("--scratch", help="a folder for what is written, such as /dev/shm")
    q = sub.add_parser("peers")
    q.add_argument("corpus")
    q.add_argument("--datatrove", help="the corpus for datatrove, which is slow: 2 MB")
    q.add_argument("--lid", help="a fastText model")
    q.add_argument("--pages", help="a folder with html/*.html.gz")
    args = p.parse_args()
    if args.what == "corpus":
        corpus(args.out, args.megabytes, args.files)
    elif args.what == "run":
        run(args)
    else:
        peers(args)


if __name__ == "__main__":
    sys.exit(main())
